import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventView } from '../../../sandbox/events/event.js';
import { containerRecord, podRecord } from '../../support/records.js';

test('what was kept as JSON is shown with times as numbers, and nothing of the node', () => {
  const kept = {
    seq: 1,
    type: 'stopped',
    containerId: 'c',
    podId: 'pod',
    createdAt: '1764100000000000001',
    pod: podRecord('pod'),
    containers: [containerRecord('c', 'pod')],
  } as const;
  const view = eventView(JSON.parse(JSON.stringify(kept)));
  assert.equal(view.createdAt, 1764100000000000001n);
  assert.equal(view.pod?.createdAt, 1n);
  assert.equal(view.containers[0]?.startedAt, 2n);
  assert.equal('cgroup' in (view.containers[0] ?? {}), false);
  assert.equal('seq' in view, false);
});

test('of a pod of which nothing is known any more there is none', () => {
  const view = eventView({
    seq: 1,
    type: 'deleted',
    containerId: 'c',
    podId: 'p',
    createdAt: '1',
    pod: undefined,
    containers: [],
  });
  assert.equal(view.pod, undefined);
});
