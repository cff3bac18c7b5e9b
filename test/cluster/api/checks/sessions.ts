/** What people do with running pods: exec, attach, logs, cp, port-forward and debug, by kubectl. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Check, STAY } from '../../check.js';
import { page } from '../../checks/security.js';
import { type ContainerStatus, containerOf, type Pod } from '../../manifest.js';
import type { ApiCluster } from '../cluster.js';

const exec: Check<ApiCluster> = {
  name: 'kubectl exec: input, output, exit code; attach',
  run: async (cluster) => {
    const { kubectl } = cluster;
    const echo = 'while read -r line; do echo "heard $line"; done; sleep 1';
    await cluster.started('session', {
      restartPolicy: 'Never',
      containers: [{ script: echo, stdin: true, stdinOnce: true }],
    });
    const input = 'x'.repeat(300_000);
    assert.equal(await kubectl.say(['exec', '-i', 'session', '--', 'wc', '-c'], input), '300000');
    const failed = await kubectl.run(['exec', 'session', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
    assert.deepEqual([failed.code, failed.stdout], [7, 'out\n']);
    assert.match(failed.stderr, /^err\ncommand terminated with exit code 7\n$/);
    assert.equal(await kubectl.say(['attach', '-i', 'session', '--quiet'], 'one\ntwo\n'), 'heard one\nheard two');
    assert.equal(await kubectl.say(['logs', 'session']), 'heard one\nheard two');
    await cluster.remove('session');
  },
};

const logs: Check<ApiCluster> = {
  name: 'kubectl logs: followed to the end, of the container before, of all containers',
  run: async (cluster) => {
    const { kubectl } = cluster;
    const script = 'test -e /kept/again || { touch /kept/again; echo first; exit 3; }; echo second; sleep 6; echo last';
    await cluster.apply('logs', {
      restartPolicy: 'OnFailure',
      volumes: [{ name: 'kept', emptyDir: {} }],
      containers: [
        { script, volumeMounts: [{ name: 'kept', mountPath: '/kept' }] },
        { name: 'other', script: 'echo of the other' },
      ],
    });
    await cluster.untilPod('logs', 'runs again', (pod) => {
      const status = containerOf(pod);
      return status?.restartCount === 1 && status.state?.running !== undefined;
    });
    const [previous, followed] = await Promise.all([
      kubectl.say(['logs', 'logs', '-c', 'main', '--previous']),
      kubectl.say(['logs', 'logs', '-c', 'main', '--follow']),
    ]);
    assert.deepEqual([previous, followed], ['first', 'second\nlast']);
    const all = await kubectl.say(['logs', 'logs', '--all-containers', '--prefix']);
    assert.match(all, /^\[pod\/logs\/other\] of the other$/m);
    await cluster.remove('logs');
  },
};

const cp: Check<ApiCluster> = {
  name: 'kubectl cp, there and back',
  run: async (cluster) => {
    const { kubectl, node } = cluster;
    await cluster.started('cp', { containers: [{ script: STAY }] });
    const dir = await mkdtemp(join(node.dir, 'cp-'));
    const content = Buffer.alloc(5_000_000, 'some content that is not all the same ');
    await writeFile(join(dir, 'there'), content);
    await kubectl.say(['cp', join(dir, 'there'), 'cp:/tmp/file']);
    await kubectl.say(['cp', 'cp:/tmp/file', join(dir, 'back')]);
    assert.ok(content.equals(await readFile(join(dir, 'back'))));
    await rm(dir, { recursive: true });
    await cluster.remove('cp');
  },
};

const forward: Check<ApiCluster> = {
  name: 'kubectl port-forward',
  run: async (cluster) => {
    const { kubectl } = cluster;
    const script = 'mkdir /www && echo hello >/www/index.html && exec httpd -f -p 8080 -h /www';
    const readinessProbe = { httpGet: { port: 8080, path: '/' }, periodSeconds: 1 };
    await cluster.started('forward', { containers: [{ script, readinessProbe }] });
    const child = spawn(kubectl.program, [...kubectl.global, 'port-forward', 'pod/forward', ':8080'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      const port = Number(/127\.0\.0\.1:(\d+) -> 8080/.exec(line)?.[1]);
      for (let time = 0; time < 3; time++) assert.match((await page('127.0.0.1', port, '/')) ?? '', /hello/);
    } finally {
      child.kill('SIGTERM');
    }
    await cluster.remove('forward');
  },
};

interface WithEphemeral extends Pod {
  readonly status: Pod['status'] & { readonly ephemeralContainerStatuses?: readonly ContainerStatus[] };
}

const debug: Check<ApiCluster> = {
  name: 'kubectl debug: an ephemeral container sees the processes of its target',
  run: async (cluster) => {
    const { kubectl, node } = cluster;
    await cluster.started('debugged', { containers: [{ script: STAY, env: [{ name: 'OF', value: 'the target' }] }] });
    const script = 'tr "\\0" "\\n" </proc/1/environ; echo; cat /proc/1/root/NAME; kill -0 1 && echo can signal';
    const target = ['--target=main', '--container=look', '--profile=general', `--image=${node.images.busybox}`];
    await kubectl.say(['debug', 'debugged', ...target, '--', 'sh', '-c', script]);
    await cluster.untilPod('debugged', 'the ephemeral container has ended', (pod) => {
      const { ephemeralContainerStatuses = [] } = (pod as WithEphemeral).status;
      return ephemeralContainerStatuses.some(({ state }) => state?.terminated !== undefined);
    });
    const said = await kubectl.say(['logs', 'debugged', '-c', 'look']);
    assert.match(said, /^OF=the target$/m);
    assert.match(said, /^busybox\ncan signal$/m);
    await cluster.remove('debugged');
  },
};

export const SESSIONS: readonly Check<ApiCluster>[] = [exec, logs, cp, forward, debug];
