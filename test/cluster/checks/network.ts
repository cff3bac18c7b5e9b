/** Before the network is configured, as on a node that has just booted. */

import assert from 'node:assert/strict';
import { type Check, podOf, STAY, started } from '../check.js';
import { isReady } from '../manifest.js';

const notReady: Check = {
  name: 'without a network only pods of the host network start',
  run: async (node) => {
    await started(node, 'early-host', { hostNetwork: true, containers: [{ script: STAY }] });
    await node.apply(podOf(node, 'early', { containers: [{ script: STAY }] }));
    const waiting = await node.untilPod('early', 'is known', () => true);
    assert.equal(isReady(waiting), false);
    const { items } = await node.cri.runtime.listPodSandbox({});
    assert.deepEqual(
      items.map(({ metadata }) => metadata?.name),
      ['early-host-node'],
    );
    await node.configureNetwork();
    const pod = await node.untilPod('early', 'is ready', isReady);
    assert.match(pod.status.podIP ?? '', /^10\.249\./);
    await node.removeAndWait('early');
    await node.removeAndWait('early-host');
  },
};

export const NETWORK: readonly Check[] = [notReady];
