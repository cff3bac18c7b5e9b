/** The tests of user-namespace.test.ts once more, with crun. */
import { after, test } from 'node:test';
import { messageOf } from '../../runtime/errors.js';
import { makeRoomForCrun } from '../support/crun-room.js';

const room = await makeRoomForCrun().catch(messageOf);
if (typeof room === 'string') {
  test('user-namespace with crun', { skip: room }, () => {});
} else {
  process.env.CRIB_TEST_OCI_RUNTIME = 'crun';
  await import('./user-namespace.test.js');
  after(room);
}
