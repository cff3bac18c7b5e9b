/** exec, attach, port-forward and run through the kubelet's API, and the logs that it gives out. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { type Check, finished, podOf, STAY, started } from '../check.js';
import { LOG_INTERVAL_MS, LOG_MAX_FILES, LOG_MAX_SIZE } from '../kubelet-config.js';
import type { Pod } from '../manifest.js';
import type { ClusterNode } from '../node.js';
import {
  forwardedOverSpdy,
  forwardedOverWebSocket,
  overSpdy,
  overWebSocket,
  type Ran,
  type Session,
} from '../sessions.js';
import { eventually } from '../wait.js';

type Run = (node: ClusterNode, session: Session) => Promise<Ran>;
const RUNS: Readonly<Record<string, Run>> = {
  SPDY: ({ api }, session) => overSpdy(api, session),
  'WebSocket v5': ({ api }, session) => overWebSocket(api, 'v5.channel.k8s.io', session),
  'WebSocket v4': ({ api }, session) => overWebSocket(api, 'v4.channel.k8s.io', session),
};

function execBy(protocol: string, run: Run): Check {
  return {
    name: `exec over ${protocol}: output, error, exit code, input`,
    run: async (node) => {
      const name = `exec-${protocol.toLowerCase().replace(/[^a-z0-9]/g, '-')}`;
      const pod = await started(node, name, { containers: [{ script: STAY }] });
      const command = ['sh', '-c', 'echo out; echo err >&2; exit 7'];
      assert.deepEqual(await run(node, { pod, command }), { code: 7, stdout: 'out\n', stderr: 'err\n' });
      // Only v5 and SPDY can tell the end of the input; with v4 the command knows how much to read.
      const reader = protocol === 'WebSocket v4' ? ['head', '-n', '2'] : ['cat'];
      const read = await run(node, { pod, command: reader, input: 'one\ntwo\n' });
      assert.deepEqual([read.code, read.stdout], [0, 'one\ntwo\n']);
      const size = await run(node, {
        pod,
        command: ['sh', '-c', 'test -t 1 && echo yes'],
        tty: { width: 90, height: 40 },
      });
      assert.equal(size.stdout.trim(), 'yes');
      await node.removeAndWait(name);
    },
  };
}

const terminalSize: Check = {
  name: 'exec with a terminal of a size',
  run: async (node) => {
    const pod = await started(node, 'exec-tty', { containers: [{ script: STAY }] });
    const command = ['sh', '-c', 'until [ "$(stty size 2>/dev/null)" = "33 77" ]; do sleep 0.1; done; stty size'];
    const { stdout } = await overSpdy(node.api, { pod, command, tty: { width: 77, height: 33 } });
    assert.equal(stdout.trim(), '33 77');
    await node.removeAndWait('exec-tty');
  },
};

const runAndFail: Check = {
  name: 'run, and exec of what is not there',
  run: async (node) => {
    const pod = await started(node, 'run', { containers: [{ script: STAY }] });
    const { namespace, name } = pod.metadata;
    const answer = await node.api.ask(`/run/${namespace}/${name}/main?cmd=echo%20hello`, 'POST');
    assert.deepEqual([answer.status, answer.body], [200, 'hello\n']);
    await assert.rejects(overSpdy(node.api, { pod, command: ['no-such-program'] }), /no-such-program/);
    await assert.rejects(overSpdy(node.api, { pod, container: 'none', command: ['true'] }), /container not found/);
    await node.removeAndWait('run');
  },
};

const attach: Check = {
  name: 'attach, with input and output',
  run: async (node) => {
    const script = 'while read -r line; do echo "heard $line"; [ "$line" = end ] && break; done; sleep 1';
    const pod = await started(node, 'attach', {
      containers: [{ script, stdin: true, stdinOnce: true }],
      restartPolicy: 'Never',
    });
    const { stdout } = await overSpdy(node.api, { pod, input: 'one\nend\n' });
    assert.equal(stdout, 'heard one\nheard end\n');
    const ended = await node.untilPod('attach', 'has ended', ({ status }) => status.phase === 'Succeeded');
    assert.equal(await node.api.logs(ended), 'heard one\nheard end\n');
    await node.removeAndWait('attach');
  },
};

const forward: Check = {
  name: 'port-forward over SPDY and over WebSocket',
  run: async (node) => {
    const pod = await started(node, 'forward', {
      containers: [
        {
          script: 'exec httpd -f -p 127.0.0.1:8081 -h /',
          readinessProbe: { exec: { command: ['wget', '-qO-', 'http://127.0.0.1:8081/NAME'] }, periodSeconds: 1 },
        },
      ],
    });
    const request = 'GET /NAME HTTP/1.0\r\n\r\n';
    assert.match(await forwardedOverSpdy(node.api, pod, 8081, request), /200 OK.*\r\n\r\nbusybox\n$/s);
    assert.match(await forwardedOverWebSocket(node.api, pod, 8081, request), /200 OK.*\r\n\r\nbusybox\n$/s);
    await assert.rejects(forwardedOverSpdy(node.api, pod, 8082, request), /refused/i);
    await node.removeAndWait('forward');
  },
};

const logOptions: Check = {
  name: 'logs: all, the end of them, some bytes, with times, followed',
  run: async (node) => {
    // Two streams are two pipes: what is in both at once has no order.
    const script = 'echo one; echo two; printf "no line feed"';
    const containers = [{ script }, { name: 'other', script: 'echo error >&2' }];
    const pod = await finished(node, 'logs', { containers });
    assert.equal(await node.api.logs(pod, 'other'), 'error\n');
    const log = (query: string) => node.api.logs(pod, 'main', query);
    assert.equal(await log(''), 'one\ntwo\nno line feed');
    assert.equal(await log('tailLines=1'), 'no line feed');
    assert.equal(await log('limitBytes=5'), 'one\nt');
    assert.match(await log('timestamps=true&tailLines=2'), /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-][\d:]+) two\n/);
    assert.equal(await log('sinceTime=2100-01-01T00:00:00Z'), '');
    await node.removeAndWait('logs');
    await node.apply(
      podOf(node, 'follow', {
        restartPolicy: 'Never',
        containers: [{ script: 'for n in 1 2 3 4; do echo $n; sleep 1; done' }],
      }),
    );
    const running = await node.untilPod('follow', 'runs', ({ status }) => status.phase === 'Running');
    assert.equal(await node.api.logs(running, 'main', 'follow=true'), '1\n2\n3\n4\n');
    await node.removeAndWait('follow');
  },
};

/** The text of a CRI log line: after time, stream and tag. */
function numbers(text: string): number[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => Number(line.split(' ')[3]));
}

async function logFiles(dir: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of (await readdir(dir)).sort()) {
    const bytes = await readFile(join(dir, name));
    found.set(name, (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString());
  }
  return found;
}

function logDirectory(pod: Pod): string {
  const { namespace, name, uid } = pod.metadata;
  return join('/var/log/pods', `${namespace}_${name}_${uid}`);
}

const rotation: Check = {
  name: 'log rotation loses no line',
  run: async (node) => {
    const line = `n=$((n + 1)); echo "$n ${'x'.repeat(60)}"; sleep 0.01`;
    const script = `n=0; while [ ! -e /tmp/quiet ]; do ${line}; done; ${STAY}`;
    const pod = await started(node, 'rotate', { containers: [{ script }] });
    const dir = join(logDirectory(pod), 'main');
    await eventually('the log was rotated, and older ones compressed', async () => {
      const names = await readdir(dir);
      return names.length >= LOG_MAX_FILES && names.some((name) => name.endsWith('.gz'));
    });
    await overSpdy(node.api, { pod, command: ['touch', '/tmp/quiet'] });
    // The kubelet may be about to rotate once more.
    let files = await logFiles(dir);
    await eventually('the files stay as they are', async () => {
      await sleep(2 * LOG_INTERVAL_MS);
      const before = files;
      files = await logFiles(dir);
      return isDeepStrictEqual(before, files);
    });
    const [current = ['', ''], ...older] = [...files];
    assert.equal(current[0], '0.log');
    const all = [...older, current].flatMap(([, text]) => numbers(text));
    const first = all[0] ?? 0;
    assert.deepEqual(
      all,
      all.map((_, index) => first + index),
    );
    assert.ok(older.length >= 2 && older.every(([, text]) => text.length > LOG_MAX_SIZE));
    await node.removeAndWait('rotate');
  },
};

export const SESSIONS: readonly Check[] = [
  ...Object.entries(RUNS).map(([protocol, run]) => execBy(protocol, run)),
  ...[terminalSize, runAndFail, attach, forward],
];
export const LOGS: readonly Check[] = [logOptions, rotation];
