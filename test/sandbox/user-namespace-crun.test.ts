/** The tests of user namespaces and id-mapped volumes once more, with crun. */
import { after, test } from 'node:test';
import { messageOf } from '../../runtime/errors.js';
import { makeRoomForCrun } from '../support/crun-room.js';

const room = await makeRoomForCrun().catch(messageOf);
if (typeof room === 'string') {
  test('user namespaces with crun', { skip: room }, () => {});
} else {
  process.env.CRIB_TEST_OCI_RUNTIME = 'crun';
  await import('./user-namespace.test.js');
  await import('./id-mapped-volumes.test.js');
  after(room);
}
