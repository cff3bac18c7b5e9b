import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runscMissing } from '../support/runsc.js';
import { ACTIVITIES, type Activity, casesOf, listOf } from './case.js';
import { walk } from './walk.js';

/** One or two of each operation; `npm run failpoints` walks through all. */
const CHOSEN: Readonly<Record<Activity, readonly string[]>> = {
  bridge: [
    'run-pod/network:after=kill@1',
    'run-pod/ready=error@1,release-pod/unmount:before=error@1',
    'run-pod/finish:before=hang@1',
    'create-container/record:after=error@1,release-bundle/volumes:before=error@1',
    'create-container/spec:after=kill@1',
    'start-container/record:before=error@1',
    'keeper/run:after=kill@2',
    'container-exit/record:before=kill@1',
    'stop-pod/network:after=hang@1',
    'remove-container/clear:after=error@1',
    'remove-pod/record:before=kill@1',
  ],
  cni: ['cni/add:after=kill@1'],
  gvisor: [
    'finish-pod/volumes:after=kill@1',
    'finish-pod/copies:before=hang@1',
    'finish-pod/copies:after=error@1',
    'release-pod/volumes:before=kill@1',
    'run-pod/ready=error@1,release-pod/volumes:before=error@1',
  ],
  pull: ['unpack/layer:after=kill@1', 'pull-image/commit:after=kill@1', 'pull-image/layer:before=hang@1'],
};

const missing = await runscMissing();

for (const activity of ACTIVITIES) {
  test(`${activity}: a disturbed step loses nothing, leaves nothing, and the call that is made again succeeds`, {
    skip: activity === 'gvisor' && missing,
  }, async () => {
    const cases = casesOf(activity).filter((one) => CHOSEN[activity].includes(listOf(one)));
    assert.equal(cases.length, CHOSEN[activity].length, 'each of them is a case');
    const results = await walk(activity, cases, process.env.CRIB_TEST_OCI_RUNTIME ?? 'runc', () => {});
    assert.deepEqual(
      results.filter(({ failures }) => failures.length > 0),
      [],
    );
  });
}
