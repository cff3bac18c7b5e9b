/** Restarts under pods of the API, in each sandbox: nothing of them may change. */

import assert from 'node:assert/strict';
import { type Check, NotHere, STAY } from '../../check.js';
import { lifeOf } from '../../checks/restarts.js';
import { isReady, type Pod } from '../../manifest.js';
import { eventually } from '../../wait.js';
import type { ApiCluster } from '../cluster.js';
import { SANDBOXES } from '../sandboxes.js';

const restarts: Check<ApiCluster> = {
  name: 'kill -9 of crib, of the keeper, a restart of the kubelet: pods go on, and follow their configMap again',
  run: async (cluster) => {
    const { node } = cluster;
    const names = await steadyPods(cluster);
    const lives = async () => Promise.all(names.map(async (name) => lifeOf(await steady(cluster, name))));
    const before = await lives();
    await node.killCrib();
    await node.startCrib();
    assert.deepEqual(await lives(), before, 'after kill -9 of crib');
    await node.killKeeper();
    for (const name of names) {
      await eventually(`${name} can be entered`, () => cluster.kubectl.succeeds('exec', name, '--', 'true'));
    }
    assert.deepEqual(await lives(), before, 'after kill -9 of the keeper');
    await node.stopKubelet();
    await cluster.kubectl.apply(settings('new'));
    await node.killCrib();
    await node.startCrib();
    await node.startKubelet();
    for (const name of names) {
      await eventually(`${name} has the change`, async () => {
        // A kubelet that has just started knows no pod yet.
        return (await cluster.kubectl.run(['exec', name, '--', 'cat', '/config/value'])).stdout === 'new';
      });
    }
    assert.deepEqual(await lives(), before, 'after a restart of kubelet and crib');
    for (const name of names) await cluster.remove(name);
  },
};

function settings(value: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'steady' }, data: { value } };
}

/** One in every sandbox that there is. */
async function steadyPods(cluster: ApiCluster): Promise<string[]> {
  await cluster.kubectl.apply(settings('old'));
  const names: string[] = [];
  for (const { suffix, spec, isHere } of SANDBOXES) {
    const missing = await isHere().catch((error: unknown) => error);
    if (missing instanceof NotHere) continue;
    const name = `steady-${suffix}`;
    await cluster.started(name, {
      ...spec,
      volumes: [{ name: 'config', configMap: { name: 'steady' } }],
      containers: [{ script: STAY, volumeMounts: [{ name: 'config', mountPath: '/config' }] }],
    });
    names.push(name);
  }
  return names;
}

function steady(cluster: ApiCluster, name: string): Promise<Pod> {
  return cluster.untilPod(name, 'is ready', isReady);
}

const forced: Check<ApiCluster> = {
  name: 'deleted by force: gone from the API at once, and from the node soon after',
  run: async (cluster) => {
    await cluster.started('forced', { terminationGracePeriodSeconds: 30, containers: [{ script: 'exec sleep 1000' }] });
    await cluster.kubectl.say(['delete', 'pod', 'forced', '--grace-period=0', '--force']);
    await eventually('nothing of it runs', async () => {
      return !(await cluster.node.runs('forced'));
    });
  },
};

export const RESTARTS: readonly Check<ApiCluster>[] = [restarts, forced];
