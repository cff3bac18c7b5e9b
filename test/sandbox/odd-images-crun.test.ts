/** The tests of odd-images.test.ts once more, with crun. */
import { after, test } from 'node:test';
import { messageOf } from '../../runtime/errors.js';
import { makeRoomForCrun } from '../support/crun-room.js';

const room = await makeRoomForCrun().catch(messageOf);
if (typeof room === 'string') {
  test('odd-images with crun', { skip: room }, () => {});
} else {
  process.env.CRIB_TEST_OCI_RUNTIME = 'crun';
  await import('./odd-images.test.js');
  after(room);
}
