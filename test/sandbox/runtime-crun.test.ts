/** The tests of runtime.test.ts once more, with crun. */
import { after, test } from 'node:test';
import { messageOf } from '../../runtime/errors.js';
import { makeRoomForCrun } from '../support/crun-room.js';

const room = await makeRoomForCrun().catch(messageOf);
if (typeof room === 'string') {
  test('pods with crun', { skip: room }, () => {});
} else {
  process.env.CRIB_TEST_OCI_RUNTIME = 'crun';
  await import('./runtime.test.js');
  after(room);
}
