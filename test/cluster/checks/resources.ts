/** What requests and limits are in the kernel: cgroup values by QoS class, and who is killed first. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertLimits, containerCgroup, isCgroup2, podCgroup, type Qos, value } from '../cgroups.js';
import { type Check, STAY, started } from '../check.js';
import { POD_PIDS_LIMIT } from '../kubelet-config.js';
import type { Pod } from '../manifest.js';
import type { ClusterNode } from '../node.js';
import { eventually, isGone } from '../wait.js';

/** Of the container's first process. */
async function oomScore(node: ClusterNode, pod: Pod, qos: Qos): Promise<number> {
  const cgroup = await containerCgroup(node, pod, qos);
  const [pid = ''] = (await value('memory', cgroup, 'cgroup.procs')).split('\n');
  return Number(await readFile(`/proc/${pid}/oom_score_adj`, 'utf8'));
}

const guaranteed: Check = {
  name: 'cgroup values of a Guaranteed pod',
  run: async (node) => {
    const limits = { cpu: '200m', memory: '48Mi' };
    const pod = await started(node, 'guaranteed', { containers: [{ script: STAY, resources: { limits } }] });
    const wanted = { shares: '204', weight: '8', quota: '20000', memory: String(48 << 20) };
    await assertLimits(await containerCgroup(node, pod, ''), wanted);
    await assertLimits(podCgroup(node, pod, ''), wanted);
    assert.equal(await value('pids', podCgroup(node, pod, ''), 'pids.max'), String(POD_PIDS_LIMIT));
    // A machine that does not let a score be lowered leaves it where it was.
    const own = Number(await readFile('/proc/self/oom_score_adj', 'utf8'));
    const score = await oomScore(node, pod, '');
    assert.ok(score === -997 || score === own, `oom_score_adj is ${score}`);
    await node.removeAndWait('guaranteed');
  },
};

const burstable: Check = {
  name: 'cgroup values of a Burstable pod',
  run: async (node) => {
    const resources = { requests: { cpu: '100m', memory: '16Mi' }, limits: { memory: '32Mi' } };
    const pod = await started(node, 'burstable', { containers: [{ script: STAY, resources }] });
    const wanted = { shares: '102', weight: '4', quota: '-1', memory: String(32 << 20) };
    await assertLimits(await containerCgroup(node, pod, 'burstable'), wanted);
    const score = await oomScore(node, pod, 'burstable');
    assert.ok(score > 2 && score < 1000, `oom_score_adj is ${score}`);
    await node.removeAndWait('burstable');
  },
};

const bestEffort: Check = {
  name: 'cgroup values of a BestEffort pod, and none of them afterwards',
  run: async (node) => {
    const pod = await started(node, 'best-effort', { containers: [{ script: STAY }] });
    await assertLimits(await containerCgroup(node, pod, 'besteffort'), {
      ...{ shares: '2', weight: '1', quota: '-1', memory: 'max' },
    });
    assert.equal(await oomScore(node, pod, 'besteffort'), 1000);
    await node.removeAndWait('best-effort');
    const root = isCgroup2() ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
    const path = join(root, podCgroup(node, pod, 'besteffort'));
    await eventually('the cgroup is gone', () => isGone(path));
  },
};

export const RESOURCES: readonly Check[] = [guaranteed, burstable, bestEffort];
