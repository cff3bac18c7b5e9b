/** When containers are started again, over a daemon whose containers end as a test says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContainerState } from '../../../../cri/api/generated/index.js';
import { readManifest } from '../../../../cri/cli/manifest.js';
import { Supervisor } from '../../../../cri/cli/pod/supervisor.js';
import type { CriClient } from '../../../../cri/client.js';
import { CribError } from '../../../../runtime/errors.js';
import { until } from '../../../support/until.js';

interface Made {
  readonly name: string;
  readonly attempt: number;
  exitCode: number | undefined;
}

/** `exits` has the exit codes of each container in turn; one without any more goes on until it is stopped. */
function room(spec: object, exits: Readonly<Record<string, number[]>>, cannotStart: readonly string[] = []) {
  const made = new Map<string, Made>();
  const calls: string[] = [];
  const said: string[] = [];
  const stopping = new AbortController();
  const runtime = {
    createContainer: async ({ config }: { config: { metadata: { name: string; attempt: number } } }) => {
      const { name, attempt } = config.metadata;
      const containerId = `${name}-${attempt}`;
      made.set(containerId, { name, attempt, exitCode: undefined });
      return { containerId };
    },
    startContainer: async ({ containerId }: { containerId: string }) => {
      calls.push(`start ${containerId}`);
      const container = made.get(containerId);
      if (container === undefined) return;
      container.exitCode = cannotStart.includes(container.name) ? 127 : exits[container.name]?.shift();
      if (cannotStart.includes(container.name)) throw new CribError('FAILED_PRECONDITION', 'no such program');
    },
    stopContainer: async ({ containerId, timeout }: { containerId: string; timeout: bigint }) => {
      calls.push(`stop ${containerId} ${timeout}`);
      const container = made.get(containerId);
      if (container !== undefined) container.exitCode ??= 143;
    },
    removeContainer: async ({ containerId }: { containerId: string }) => void calls.push(`remove ${containerId}`),
    containerStatus: async ({ containerId }: { containerId: string }) => {
      const { exitCode } = made.get(containerId) ?? {};
      const { CONTAINER_EXITED, CONTAINER_RUNNING } = ContainerState;
      const state = exitCode === undefined ? CONTAINER_RUNNING : CONTAINER_EXITED;
      return {
        status: { id: containerId, state, exitCode: exitCode ?? 0, finishedAt: 1n, reason: 'Error', logPath: '' },
      };
    },
  };
  const containers = [{ name: 'main', image: 'x' }];
  const supervisor = new Supervisor({
    cri: { runtime } as unknown as CriClient,
    manifest: readManifest({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod' }, spec: { containers, ...spec } }),
    ...{ identity: { uid: 'u', logDirectory: '/logs' }, podSandboxId: 'p', localPods: '/nowhere', volumes: new Map() },
    stopping: stopping.signal,
    started: async ({ name }, _, ended) => {
      calls.push(`follow ${name}`);
      await until(ended, `${name} ends`);
    },
    say: (line) => said.push(line),
  });
  return { supervisor, calls, said, stopping };
}

const INIT = {
  initContainers: [
    { name: 'one', image: 'x' },
    { name: 'two', image: 'x' },
  ],
};

test('init containers run one after the other, and one that fails for good ends it', async () => {
  const fine = room({ ...INIT, restartPolicy: 'Never' }, { one: [0], two: [0] });
  assert.equal(await fine.supervisor.runInit(), undefined);
  assert.deepEqual(fine.calls, ['start one-0', 'follow one', 'start two-0', 'follow two']);
  const failing = room({ ...INIT, restartPolicy: 'Never' }, { one: [3], two: [0] });
  assert.equal((await failing.supervisor.runInit())?.exitCode, 3);
  assert.ok(!failing.calls.includes('start two-0'));
});

test('an init container that has succeeded is not started again, whatever the policy', async () => {
  const { supervisor, calls } = room({ ...INIT, restartPolicy: 'Always' }, { one: [1, 0], two: [0] });
  assert.equal(await supervisor.runInit(), undefined);
  assert.deepEqual(
    calls.filter((call) => !call.startsWith('follow')),
    ['start one-0', 'remove one-0', 'start one-1', 'start two-0'],
  );
});

test('after a failure it starts again by its policy, at once the first time, and what has ended is removed before', async () => {
  const onFailure = room({ restartPolicy: 'OnFailure' }, { main: [2, 0] });
  assert.deepEqual(
    (await onFailure.supervisor.runAll()).map(({ exitCode }) => exitCode),
    [0],
  );
  assert.deepEqual(onFailure.said, ['main ended with 2 (Error); it starts again now']);
  assert.ok(onFailure.calls.indexOf('remove main-0') < onFailure.calls.indexOf('start main-1'));
  const never = room({ restartPolicy: 'Never' }, { main: [2] });
  assert.equal((await never.supervisor.runAll())[0]?.exitCode, 2);
  assert.deepEqual(never.said, []);
});

test('the second time it waits, and a stop meanwhile ends the waiting', async () => {
  const { supervisor, said, stopping, calls } = room({ restartPolicy: 'Always' }, { main: [1, 0, 1] });
  const running = supervisor.runAll();
  await until(() => said.length === 2, 'it waits');
  assert.match(said[1] ?? '', /^main ended with 0 .*; it starts again in 10 s$/);
  stopping.abort();
  assert.equal((await running)[0]?.exitCode, 0);
  assert.ok(!calls.includes('start main-2'));
});

test('to stop is to give each that runs its time; one that starts meanwhile is stopped too', async () => {
  const spec = { restartPolicy: 'Always', terminationGracePeriodSeconds: 7, containers: two() };
  const { supervisor, calls, stopping } = room(spec, {});
  const running = supervisor.runAll();
  await until(() => calls.filter((call) => call.startsWith('follow')).length === 2, 'both run');
  stopping.abort();
  await supervisor.stopAll(3);
  assert.deepEqual(
    (await running).map(({ exitCode }) => exitCode),
    [143, 143],
  );
  assert.deepEqual(calls.filter((call) => call.startsWith('stop')).sort(), ['stop main-0 3', 'stop side-0 3']);
  const late = room(spec, {});
  late.stopping.abort();
  await late.supervisor.runAll();
  assert.ok(late.calls.includes('stop main-0 7'));
});

test('a command that cannot run is an exit like others', async () => {
  const { supervisor, said } = room({ restartPolicy: 'Never' }, {}, ['main']);
  assert.equal((await supervisor.runAll())[0]?.exitCode, 127);
  assert.deepEqual(said, ['no such program']);
});

test('detached, each is started once and left alone', async () => {
  const { supervisor, calls } = room({ containers: two() }, { main: [1] });
  await supervisor.startAll();
  assert.deepEqual(calls, ['start main-0', 'start side-0']);
});

function two(): object[] {
  return [
    { name: 'main', image: 'x' },
    { name: 'side', image: 'x' },
  ];
}
