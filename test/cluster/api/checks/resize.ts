/** Pods that are given more or less while they run. */

import assert from 'node:assert/strict';
import { assertLimits, containerCgroup } from '../../cgroups.js';
import { type Check, STAY } from '../../check.js';
import { containerId, containerOf } from '../../manifest.js';
import { eventually } from '../../wait.js';
import type { ApiCluster } from '../cluster.js';

const resize: Check<ApiCluster> = {
  name: 'a resize in place: the kernel has the new limits, the container goes on',
  run: async (cluster) => {
    const { kubectl, node } = cluster;
    const limits = { cpu: '100m', memory: '32Mi' };
    const before = await cluster.started('resized', { containers: [{ script: STAY, resources: { limits } }] });
    const more = { cpu: '200m', memory: '64Mi' };
    const patch = { spec: { containers: [{ name: 'main', resources: { limits: more, requests: more } }] } };
    await kubectl.say(['patch', 'pod', 'resized', '--subresource=resize', '--patch', JSON.stringify(patch)]);
    const expected = { shares: '204', weight: '8', quota: '20000', memory: String(64 << 20) };
    await eventually('the limits are there', async () => {
      const cgroup = await containerCgroup(node, before, '');
      return assertLimits(cgroup, expected).then(
        () => true,
        () => false,
      );
    });
    const after = await cluster.untilPod('resized', 'has told of it', (pod) => {
      return JSON.stringify(containerOf(pod)).includes('"memory":"64Mi"');
    });
    assert.equal(containerId(after), containerId(before));
    assert.equal(containerOf(after)?.restartCount, 0);
    await cluster.remove('resized');
  },
};

export const RESIZE: readonly Check<ApiCluster>[] = [resize];
