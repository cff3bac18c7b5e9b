import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import { startTimeOf } from '../../runtime/linux/processes.js';
import type { Container } from '../../sandbox/container-record.js';
import { killContainer, stopContainer } from '../../sandbox/container-stop.js';
import { type Fakes, fakeNode } from '../support/fake-node.js';

const UNKNOWN = new CribError('NOT_FOUND', 'the keeper has no such container');

/** A node with a container whose keeper notes what it is asked; `onSignal` does what the process does. */
async function running(
  t: Parameters<typeof fakeNode>[0],
  onSignal: (signal: number, container: Container | undefined) => void,
  parts: Fakes['parts'] = {},
) {
  const calls: string[] = [];
  let container: Container | undefined;
  const keeper = {
    signal: async (id: string, signal: number) => {
      calls.push(`signal ${id} ${signal}`);
      onSignal(signal, container);
    },
    killAll: async (id: string) => void calls.push(`killAll ${id}`),
  };
  const made = await fakeNode(t, { keeper, parts });
  await made.addPod();
  container = await made.addContainer('c', { stopSignal: 'SIGUSR1' });
  return { ...made, calls, container };
}

test('the stop signal is enough for a process that ends by it', async (t) => {
  const { node, calls } = await running(t, (signal, container) => {
    if (signal === 10) container?.markExited();
  });
  await stopContainer(node, 'c', 60_000);
  assert.deepEqual(calls, ['signal c 10']);
});

test('without a grace period it is killed at once, and with its whole cgroup', async (t) => {
  const { node, calls } = await running(t, (signal, container) => {
    if (signal === 9) container?.markExited();
  });
  await stopContainer(node, 'c', 0);
  assert.deepEqual(calls, ['signal c 9', 'killAll c']);
});

test('after the grace period it is killed', async (t) => {
  const { node, calls } = await running(t, (signal, container) => {
    if (signal === 9) container?.markExited();
  });
  await stopContainer(node, 'c', 20);
  assert.deepEqual(calls, ['signal c 10', 'signal c 9', 'killAll c']);
});

test('what is not there or does not run is stopped already', async (t) => {
  const { node, calls, container } = await running(t, () => undefined);
  await stopContainer(node, 'none', 1000);
  for (const state of ['created', 'exited'] as const) {
    container.record = { ...container.record, state };
    await stopContainer(node, 'c', 1000);
  }
  assert.deepEqual(calls, []);
});

test('what the keeper does not know is killed with what the runtime keeps of it, and recorded', async (t) => {
  const cleared: string[] = [];
  const unknown = () => {
    throw UNKNOWN;
  };
  const { node, container, recorded } = await running(t, unknown);
  Object.assign(node.parts.handlers.get('host'), { clear: async ({ id }: { id: string }) => void cleared.push(id) });
  await stopContainer(node, 'c', 0);
  assert.deepEqual(cleared, [container.id]);
  assert.equal((await recorded('c'))?.reason, 'Unknown');
});

test('a keeper that cannot be reached is no proof of an end', async (t) => {
  const gone = () => {
    throw new CribError('UNAVAILABLE', 'the keeper is gone');
  };
  const { node, container } = await running(t, gone);
  await assert.rejects(stopContainer(node, 'c', 0), { code: 'UNAVAILABLE' });
  assert.equal(container.record.state, 'running');
});

test('one that the keeper does not know any more has ended, and that is recorded', async (t) => {
  const refuse = () => {
    throw UNKNOWN;
  };
  const { node, container } = await running(t, refuse);
  await stopContainer(node, 'c', 60_000);
  assert.deepEqual([container.record.state, container.record.reason], ['exited', 'Unknown']);
});

test('a start that is in progress is waited for, and what it made is stopped', async (t) => {
  const { node, calls, container } = await running(t, (signal, stopped) => {
    if (signal === 10) stopped?.markExited();
  });
  const ran = container.record;
  container.record = { ...ran, state: 'created' };
  let started: () => void = () => {};
  const starting = container.serial.run(async () => {
    await new Promise<void>((resolve) => {
      started = resolve;
    });
    container.record = ran;
  });
  const stopped = stopContainer(node, 'c', 60_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(calls, []);
  started();
  await Promise.all([starting, stopped]);
  assert.deepEqual(calls, ['signal c 10']);
});

test('a clock that is set while a container is killed gives it neither more time nor less', async (t) => {
  const { node, calls } = await running(t, (signal, container) => {
    if (calls.length === 1) t.mock.method(Date, 'now', () => performance.timeOrigin + performance.now() + 3_600_000);
    if (signal === 9 && calls.length > 2) container?.markExited();
  });
  await stopContainer(node, 'c', 0);
  assert.deepEqual(calls, ['signal c 9', 'killAll c', 'signal c 9', 'killAll c']);
});

test('when killing takes too long it says whether the process lasts, or what it wrote', async (t) => {
  const { node, container } = await running(t, () => undefined);
  const later = performance.now() + 11_000;
  t.mock.method(container, 'waitForExit', async () => {
    t.mock.method(performance, 'now', () => later);
    return false;
  });
  const own = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
  container.record = { ...container.record, ...own };
  await assert.rejects(killContainer(node, container), {
    code: 'DEADLINE_EXCEEDED',
    message: /is still there, 10000 ms/,
  });
  t.mock.method(performance, 'now', () => later - 11_000);
  container.record = { ...container.record, startTime: 'of another', logPath: '/logs/c.log' };
  await assert.rejects(killContainer(node, container), {
    message: /is gone, but .* in \/logs\/c\.log: is the disk full\?/,
  });
});

test('what is frozen and does not die is told with what thaws it', async (t) => {
  const { node, container } = await running(t, () => undefined);
  const later = performance.now() + 11_000;
  t.mock.method(container, 'waitForExit', async () => {
    t.mock.method(performance, 'now', () => later);
    return false;
  });
  t.mock.method(node.parts.cgroups, 'requireThawed', (path: string) => {
    throw new CribError('FAILED_PRECONDITION', `cgroup ${path} is frozen`);
  });
  await assert.rejects(killContainer(node, container), {
    code: 'FAILED_PRECONDITION',
    message: /^killing container c: cgroup \/crib\/pod\/c is frozen$/,
  });
});
