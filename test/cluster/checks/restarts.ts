/** Restarts of the kubelet and of crib under pods that must not notice, and what goes when a manifest does. */

import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from '../../support/patience.js';
import { type Check, podOf, STAY, sh, started } from '../check.js';
import { containerId, containerOf, isReady, type Pod } from '../manifest.js';
import type { ClusterNode } from '../node.js';
import { eventually, isGone } from '../wait.js';

const STEADY = ['steady', 'steady-host'];

/** Pods with probes that would restart them, a volume in memory and a log that counts. */
export async function startSteadyPods(node: ClusterNode): Promise<void> {
  const count = "n=0; trap 'exit 0' TERM; while :; do n=$((n + 1)); echo $n; sleep 0.1 & wait $!; done";
  // Each probe leaves its time there.
  const command = ['sh', '-c', 'test -e /memory/kept && touch /memory/kept'];
  const probe = { exec: { command }, periodSeconds: PATIENCE, timeoutSeconds: 5 * PATIENCE };
  const container = {
    script: `touch /memory/kept; ${count}`,
    livenessProbe: { ...probe, failureThreshold: 3 },
    readinessProbe: probe,
    volumeMounts: [{ name: 'memory', mountPath: '/memory' }],
  };
  const spec = { volumes: [{ name: 'memory', emptyDir: { medium: 'Memory' } }], containers: [container] };
  await node.apply(podOf(node, 'steady-host', { ...spec, hostNetwork: true }));
  await started(node, 'steady', spec);
  await node.untilPod('steady-host', 'is ready', isReady);
}

/** What a restart that nobody may notice leaves as it is. */
export interface Life {
  readonly uid: string;
  readonly ip: string | undefined;
  readonly container: string;
  readonly startedAt: string | undefined;
  readonly restarts: number | undefined;
}

export function lifeOf(pod: Pod): Life {
  const status = containerOf(pod);
  return {
    uid: pod.metadata.uid,
    ip: pod.status.podIP,
    container: containerId(pod),
    startedAt: status?.state?.running?.startedAt,
    restarts: status?.restartCount,
  };
}

async function lives(node: ClusterNode): Promise<Life[]> {
  const pods: Pod[] = [];
  for (const name of STEADY) pods.push(await node.untilPod(name, 'is ready', isReady));
  return pods.map(lifeOf);
}

const GAP = /^\[crib: keeper restarted, output may be missing\]$/;

/**
 * The counting log has every number once, in order: nothing was restarted, no line lost but where a keeper that was killed
 * has left a gap, which is marked.
 */
async function assertCounts(node: ClusterNode, pod: Pod): Promise<void> {
  const lines = (await node.api.logs(pod)).trimEnd().split('\n');
  let next = Number(lines.find((line) => !GAP.test(line)));
  let gaps = 0;
  for (const [index, line] of lines.entries()) {
    if (GAP.test(line)) {
      gaps++;
      continue;
    }
    const number = Number(line);
    const jumps = GAP.test(lines[index - 1] ?? '') && number > next;
    assert.ok(number === next || jumps, `line ${index} is ${line} where ${next} was to come`);
    next = number + 1;
  }
  assert.ok(gaps <= node.keeperDeaths, `${gaps} gaps after ${node.keeperDeaths} deaths of the keeper`);
}

/** What comes after now reaches the log, and the kubelet's probes reach the container. */
async function goesOn(node: ClusterNode, pod: Pod): Promise<void> {
  const length = async () => (await node.api.logs(pod)).length;
  const probed = async () => Number(await sh(node, pod, 'stat -c %Y /memory/kept'));
  const [lengthBefore, probedBefore] = [await length(), await probed()];
  await eventually('the log goes on', async () => (await length()) > lengthBefore);
  await eventually('probes go on', async () => (await probed()) > probedBefore + 1);
}

async function assertSame(node: ClusterNode, before: readonly Life[]): Promise<void> {
  const pod = await node.untilPod('steady', 'is ready', isReady);
  // A kubelet dials a runtime that went away again in its own time.
  await eventually('the kubelet reaches the pod', () =>
    sh(node, pod, 'true').then(
      () => true,
      () => false,
    ),
  );
  assert.deepEqual(await lives(node), before);
  assert.equal(await sh(node, pod, 'ls /memory'), 'kept');
  await goesOn(node, pod);
  await assertCounts(node, pod);
  const after = await started(node, 'after-restart', { containers: [{ script: STAY }] });
  assert.equal(await sh(node, after, 'echo works'), 'works');
  await node.removeAndWait('after-restart');
}

const kubeletRestart: Check = {
  name: 'restart of the kubelet: pods go on',
  run: async (node) => {
    const before = await lives(node);
    await node.stopKubelet();
    await node.startKubelet();
    await assertSame(node, before);
  },
};

const imageCollection: Check = {
  name: 'a full disk: images that nobody uses are removed, pinned and used ones stay',
  run: async (node) => {
    const { unused, pinned, busybox } = node.images;
    const tags = async () => (await node.cri.images.listImages({})).images.flatMap(({ repoTags }) => repoTags);
    for (const image of [unused, pinned]) await node.cri.images.pullImage({ image: { image } });
    assert.ok((await tags()).includes(unused));
    const before = await lives(node);
    await node.stopKubelet();
    await node.startKubelet({ diskIsFull: true });
    await eventually('the unused image is gone', async () => !(await tags()).includes(unused));
    const left = await tags();
    assert.ok(left.includes(pinned) && left.includes(busybox), left.join(' '));
    await node.stopKubelet();
    await node.startKubelet();
    // Static pods are never evicted.
    await assertSame(node, before);
  },
};

const cribRestart: Check = {
  name: 'kill -9 of crib and a new one: pods go on, the kubelet too',
  run: async (node) => {
    const before = await lives(node);
    await node.killCrib();
    // Long enough for the kubelet to notice, and for probes to fail.
    await sleep(5_000);
    await node.startCrib();
    await assertSame(node, before);
  },
};

const keeperDeath: Check = {
  name: 'kill -9 of the keeper: pods go on, logs with one marked gap at most, probes go on',
  run: async (node) => {
    const before = await lives(node);
    for (let death = 1; death <= 2; death++) {
      await node.killKeeper();
      await assertSame(node, before);
    }
  },
};

const bothDie: Check = {
  name: 'kill -9 of crib and the keeper at once: pods go on under the next ones',
  run: async (node) => {
    const before = await lives(node);
    await Promise.all([node.killCrib(), node.killKeeper()]);
    await sleep(5_000);
    await node.startCrib();
    await assertSame(node, before);
  },
};

const exitWhileDown: Check = {
  name: 'a container that ends while crib is down is restarted when it is back',
  run: async (node) => {
    const path = join(node.dir, 'shared', 'while-down');
    await mkdir(path);
    const script = `while [ ! -e /host/end ]; do sleep 0.2; done; rm /host/end; exit 6`;
    const pod = await started(node, 'while-down', {
      volumes: [{ name: 'host', hostPath: { path } }],
      containers: [{ script, volumeMounts: [{ name: 'host', mountPath: '/host' }] }],
    });
    await node.killCrib();
    await writeFile(join(path, 'end'), '');
    await eventually('the container has seen it', () => isGone(join(path, 'end')));
    await node.startCrib();
    const again = await node.untilPod('while-down', 'was restarted', (now) => {
      const status = containerOf(now);
      return status?.restartCount === 1 && status.state?.running !== undefined;
    });
    assert.equal(again.metadata.uid, pod.metadata.uid);
    assert.equal(containerOf(again)?.lastState?.terminated?.exitCode, 6);
    await node.removeAndWait('while-down');
  },
};

const removal: Check = {
  name: 'pods go with their manifests: sandboxes, volumes, cgroups, logs',
  run: async (node) => {
    const pods = await Promise.all(STEADY.map((name) => node.untilPod(name, 'is ready', isReady)));
    for (const name of STEADY) await node.removeAndWait(name);
    for (const { metadata } of pods) {
      const { namespace, name, uid } = metadata;
      const paths = [join(node.kubeletRoot, 'pods', uid), join('/var/log/pods', `${namespace}_${name}_${uid}`)];
      for (const path of paths) await eventually(`${path} is gone`, () => isGone(path));
      await eventually('the cgroups are gone', async () => (await cgroupsOf(uid)).length === 0);
    }
    await eventually('no sandbox is left', async () => {
      const { items } = await node.cri.runtime.listPodSandbox({});
      return items.length === 0;
    });
    const { containers } = await node.cri.runtime.listContainers({});
    assert.deepEqual(containers, []);
  },
};

async function cgroupsOf(uid: string): Promise<string[]> {
  const found = await readdir('/sys/fs/cgroup', { recursive: true }).catch((): string[] => []);
  const slice = `pod${uid.replaceAll('-', '_')}.slice`;
  return found.filter((path) => path.endsWith(`pod${uid}`) || path.endsWith(slice));
}

export const RESTARTS: readonly Check[] = [
  ...[kubeletRestart, imageCollection, cribRestart, keeperDeath, bothDie, exitWhileDown],
];
export const REMOVAL: readonly Check[] = [removal];
