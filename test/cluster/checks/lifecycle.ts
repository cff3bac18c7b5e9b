/** The life of containers: their order, restarts, ends, and what they leave to be told. */

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContainerState } from '../../../cri/api/generated/index.js';
import { type Check, finished, podOf, STAY, sh, started } from '../check.js';
import { containerId, containerOf, type Pod } from '../manifest.js';
import type { ClusterNode } from '../node.js';
import { eventually } from '../wait.js';

/** A directory of the host that a pod writes to, and the volume and mount that give it to the pod. */
async function outDirectory(node: ClusterNode, name: string) {
  const path = join(node.dir, 'shared', name);
  await mkdir(path, { recursive: true });
  const volumes = [{ name: 'out', hostPath: { path, type: 'Directory' } }];
  return { path, volumes, volumeMounts: [{ name: 'out', mountPath: '/out' }] };
}

function ended(pod: Pod, name: string) {
  const terminated = containerOf(pod, name)?.state?.terminated;
  assert.ok(terminated, `${name} has not ended: ${JSON.stringify(containerOf(pod, name))}`);
  return terminated;
}

const initContainers: Check = {
  name: 'init containers, one of which fails first',
  run: async (node) => {
    const shared = { volumeMounts: [{ name: 'work', mountPath: '/work' }] };
    const pod = await started(node, 'init', {
      volumes: [{ name: 'work', emptyDir: {} }],
      initContainers: [
        { name: 'one', script: 'echo one >>/work/order', ...shared },
        {
          name: 'two',
          script: 'echo two >>/work/order; [ -e /work/again ] || { touch /work/again; exit 1; }',
          ...shared,
        },
      ],
      containers: [{ script: `echo main >>/work/order; ${STAY}`, ...shared }],
    });
    assert.equal(await sh(node, pod, 'cat /work/order'), 'one\ntwo\ntwo\nmain');
    assert.equal(containerOf(pod, 'two')?.restartCount, 1);
    assert.equal(ended(pod, 'one').exitCode, 0);
    await node.removeAndWait('init');
  },
};

const sidecar: Check = {
  name: 'a sidecar starts before and ends after the rest',
  run: async (node) => {
    const shared = { volumeMounts: [{ name: 'work', mountPath: '/work' }] };
    const pod = await finished(node, 'sidecar', {
      volumes: [{ name: 'work', emptyDir: {} }],
      initContainers: [
        {
          name: 'side',
          restartPolicy: 'Always',
          script: "sleep 1; touch /work/up; trap 'echo bye; exit 0' TERM; while :; do sleep 1 & wait $!; done",
          startupProbe: { exec: { command: ['test', '-e', '/work/up'] }, periodSeconds: 1, failureThreshold: 60 },
          ...shared,
        },
      ],
      containers: [{ script: 'test -e /work/up || exit 9; sleep 1', ...shared }],
    });
    assert.equal(pod.status.phase, 'Succeeded');
    assert.equal(ended(pod, 'main').exitCode, 0);
    const done = await node.untilPod('sidecar', 'the sidecar has ended', (now) => {
      return containerOf(now, 'side')?.state?.terminated !== undefined;
    });
    assert.equal(ended(done, 'side').exitCode, 0);
    assert.match(await node.api.logs(done, 'side'), /bye/);
    await node.removeAndWait('sidecar');
  },
};

const backOff: Check = {
  name: 'restart with back-off, and the log of the one before',
  run: async (node) => {
    await node.apply(
      podOf(node, 'crash', { containers: [{ script: 'echo "run $(cat /proc/sys/kernel/random/uuid)"; exit 3' }] }),
    );
    const waits = (now: Pod) => containerOf(now)?.state?.waiting?.reason === 'CrashLoopBackOff';
    const pod = await node.untilPod('crash', 'is held back after two restarts', (now) => {
      return waits(now) && (containerOf(now)?.restartCount ?? 0) >= 2;
    });
    const last = containerOf(pod)?.lastState?.terminated;
    assert.deepEqual([last?.exitCode, last?.reason], [3, 'Error']);
    // A kubelet that starts the next one just now has removed this log already.
    let log = '';
    const isWhole = async () => {
      log = await node.api.logs(pod, 'main', 'previous=true');
      return /^run [0-9a-f-]{36}\n$/.test(log);
    };
    await eventually('the log of the one before', isWhole, 20_000, () => log);
    await node.removeAndWait('crash');
  },
};

const messages: Check = {
  name: 'termination messages: default file, own file, end of the log',
  run: async (node) => {
    const pod = await finished(node, 'message', {
      containers: [
        { name: 'file', script: 'echo "from the file" >/dev/termination-log' },
        { name: 'own', script: 'printf own >/tmp/why; exit 4', terminationMessagePath: '/tmp/why' },
        {
          name: 'log',
          script: 'echo first; echo "last words" >&2; exit 5',
          terminationMessagePolicy: 'FallbackToLogsOnError',
        },
        { name: 'fine', script: 'echo hidden', terminationMessagePolicy: 'FallbackToLogsOnError' },
      ],
    });
    const told = ['file', 'own', 'log', 'fine'].map((name) => {
      const { exitCode, reason, message } = ended(pod, name);
      return [exitCode, reason, message];
    });
    assert.deepEqual(told, [
      [0, 'Completed', 'from the file\n'],
      [4, 'Error', 'own'],
      [5, 'Error', 'first\nlast words\n'],
      [0, 'Completed', undefined],
    ]);
    await node.removeAndWait('message');
  },
};

const outOfMemory: Check = {
  name: 'a container that needs more memory than its limit',
  run: async (node) => {
    const limits = { memory: '24Mi' };
    const pod = await finished(node, 'oom', { containers: [{ script: 'exec tail /dev/zero', resources: { limits } }] });
    const { exitCode, reason } = ended(pod, 'main');
    assert.deepEqual([exitCode, reason], [137, 'OOMKilled']);
    await node.removeAndWait('oom');
  },
};

const hooks: Check = {
  name: 'postStart and preStop hooks, then SIGTERM',
  run: async (node) => {
    const { path, volumes, volumeMounts } = await outDirectory(node, 'hooks');
    const exec = (script: string) => ({ exec: { command: ['sh', '-c', script] } });
    await started(node, 'hooks', {
      terminationGracePeriodSeconds: 20,
      volumes,
      containers: [
        {
          script: "trap 'echo TERM >>/out/log; exit 0' TERM; while :; do sleep 1 & wait $!; done",
          lifecycle: {
            postStart: exec('echo postStart >>/out/log'),
            preStop: exec('sleep 1; echo preStop >>/out/log'),
          },
          volumeMounts,
        },
      ],
    });
    await node.removeAndWait('hooks');
    assert.equal(await readFile(join(path, 'log'), 'utf8'), 'postStart\npreStop\nTERM\n');
  },
};

const grace: Check = {
  name: 'SIGKILL after the grace period',
  run: async (node) => {
    const { path, volumes, volumeMounts } = await outDirectory(node, 'grace');
    await started(node, 'grace', {
      volumes,
      containers: [{ script: "trap 'echo TERM >>/out/log' TERM; while :; do sleep 0.2; done", volumeMounts }],
    });
    await node.removeAndWait('grace');
    assert.equal(await readFile(join(path, 'log'), 'utf8'), 'TERM\n');
  },
};

const changed: Check = {
  name: 'a manifest that changes replaces its pod',
  run: async (node) => {
    const spec = (value: string) => ({ containers: [{ script: STAY, env: [{ name: 'VALUE', value }] }] });
    const first = await started(node, 'change', spec('one'));
    await node.apply(podOf(node, 'change', spec('two')));
    const second = await node.untilPod('change', 'is another pod, and ready', (now) => {
      return now.metadata.uid !== first.metadata.uid && containerOf(now)?.ready === true;
    });
    assert.equal(await sh(node, second, 'echo $VALUE'), 'two');
    // The container itself is collected with its sandbox, within a minute.
    const id = containerId(first);
    const filter = { id, state: { state: ContainerState.CONTAINER_RUNNING } };
    const { containers } = await node.cri.runtime.listContainers({ filter });
    assert.deepEqual(containers, []);
    await node.removeAndWait('change');
  },
};

export const LIFECYCLE: readonly Check[] = [
  ...[initContainers, sidecar, backOff, messages],
  ...[outOfMemory, hooks, grace, changed],
];
