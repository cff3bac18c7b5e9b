/** RuntimeClasses: those of manifests/runtimeclasses.yaml, and one whose handler nobody has. */

import assert from 'node:assert/strict';
import { assertLimits, podCgroup } from '../../cgroups.js';
import { type Check, STAY } from '../../check.js';
import { eventually } from '../../wait.js';
import type { ApiCluster } from '../cluster.js';
import { requireGvisor } from '../sandboxes.js';

/** Of gVisor, in that file. */
const OVERHEAD_MIB = 64;

const runc: Check<ApiCluster> = {
  name: 'RuntimeClass crib-runc: on the kernel of the host',
  run: async (cluster) => {
    await cluster.started('class-runc', { runtimeClassName: 'crib-runc', containers: [{ script: STAY }] });
    assert.doesNotMatch(await cluster.sh('class-runc', 'cat /proc/version'), /gVisor|4\.4\.0/);
    await cluster.remove('class-runc');
  },
};

const gvisor: Check<ApiCluster> = {
  name: 'RuntimeClass crib-gvisor: a kernel of its own, and its overhead in the limit of the pod',
  run: async (cluster) => {
    await requireGvisor();
    const resources = { limits: { memory: '64Mi', cpu: '500m' } };
    const spec = { runtimeClassName: 'crib-gvisor', containers: [{ script: STAY, resources }] };
    const pod = await cluster.started('class-gvisor', spec);
    assert.match(await cluster.sh('class-gvisor', 'dmesg'), /gVisor/);
    const limits = { shares: '512', weight: '20', quota: '50000', memory: String((64 + OVERHEAD_MIB) << 20) };
    await assertLimits(podCgroup(cluster.node, pod, ''), limits);
    await cluster.remove('class-gvisor');
  },
};

const unknown: Check<ApiCluster> = {
  name: 'a RuntimeClass whose handler is not there: the event says so, and the pod can be deleted',
  run: async (cluster) => {
    const [apiVersion, kind] = ['node.k8s.io/v1', 'RuntimeClass'];
    await cluster.kubectl.apply({ apiVersion, kind, metadata: { name: 'nowhere' }, handler: 'nowhere' });
    await cluster.apply('class-nowhere', { runtimeClassName: 'nowhere', containers: [{ script: STAY }] });
    await eventually('an event says why', async () => {
      return /FailedCreatePodSandBox.*handler.*nowhere/.test(await cluster.eventsOf('class-nowhere'));
    });
    await cluster.remove('class-nowhere');
  },
};

export const CLASSES: readonly Check<ApiCluster>[] = [runc, gvisor, unknown];
