/** The tests of id-mapped-volumes.test.ts once more, with crun. */
import { after, test } from 'node:test';
import { messageOf } from '../../runtime/errors.js';
import { makeRoomForCrun } from '../support/crun-room.js';

const room = await makeRoomForCrun().catch(messageOf);
if (typeof room === 'string') {
  test('id-mapped-volumes with crun', { skip: room }, () => {});
} else {
  process.env.CRIB_TEST_OCI_RUNTIME = 'crun';
  await import('./id-mapped-volumes.test.js');
  after(room);
}
