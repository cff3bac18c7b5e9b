import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type ContainerEventResponse, ContainerEventType, ContainerState } from '../../../cri/api/generated/index.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../../support/server.js';

let served: ServedNode;

before(async () => {
  served = await startServedNode('10.203.21.0/24', 'cribtestev0');
});

after(() => served.stop());

/** A subscription that is read in the background. */
function subscribe() {
  const seen: ContainerEventResponse[] = [];
  const controller = new AbortController();
  const reading = (async () => {
    for await (const event of served.client.runtime.getContainerEvents({}, { signal: controller.signal })) {
      seen.push(event);
    }
  })();
  const ended = reading.then(
    () => undefined,
    (error: unknown) => error,
  );
  return {
    seen,
    ended,
    stop: async () => {
      controller.abort();
      await ended;
    },
    /** The first `count` events of these objects, in words. */
    events: async (count: number, ...ids: string[]) => {
      for (let wait = 0; wait < 200; wait += 1) {
        const ours = seen.filter(({ containerId }) => ids.includes(containerId));
        if (ours.length >= count) return ours;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`fewer than ${count} events: ${words(seen).join(', ')}`);
    },
  };
}

const KINDS = Object.fromEntries(Object.entries(ContainerEventType).map(([name, value]) => [value, name]));

function words(events: readonly ContainerEventResponse[]): string[] {
  return events.map(({ containerEventType }) => /_(\w+)_/.exec(KINDS[containerEventType] ?? '')?.[1] ?? '?');
}

async function runPod(name: string, uid?: string, attempt?: number): Promise<string> {
  return (await served.client.runtime.runPodSandbox(podRequest(name, uid, attempt))).podSandboxId;
}

async function create(pod: string, name: string, script: string): Promise<string> {
  const request = containerRequest(pod, name, served.node.image, script);
  return (await served.client.runtime.createContainer(request)).containerId;
}

async function start(pod: string, name: string, script: string): Promise<string> {
  const containerId = await create(pod, name, script);
  await served.client.runtime.startContainer({ containerId });
  return containerId;
}

test('a pod and a container are told of from beginning to end, to each of two subscribers', async () => {
  const one = subscribe();
  const two = subscribe();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const pod = await runPod('told');
  const container = await start(pod, 'c', 'exit 7');
  await one.events(3, container);
  await served.client.runtime.stopPodSandbox({ podSandboxId: pod });
  await served.client.runtime.removePodSandbox({ podSandboxId: pod });
  for (const subscriber of [one, two]) {
    const events = await subscriber.events(8, pod, container);
    assert.deepEqual(words(events), [
      ...['CREATED', 'STARTED', 'CREATED', 'STARTED', 'STOPPED'],
      ...['STOPPED', 'DELETED', 'DELETED'],
    ]);
    assert.deepEqual(
      events.map(({ containerId }) => (containerId === pod ? 'pod' : 'container')),
      ['pod', 'pod', 'container', 'container', 'container', 'pod', 'container', 'pod'],
    );
    const times = events.map(({ createdAt }) => createdAt);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => Number(a - b)),
    );
    assert.equal(new Set(times).size, times.length);
  }
  await Promise.all([one.stop(), two.stop()]);
});

test('an event shows the pod and its containers as they were then', async () => {
  const subscriber = subscribe();
  const pod = await runPod('shown');
  const container = await start(pod, 'c', 'exit 7');
  const events = await subscriber.events(5, pod, container);
  const [ran, , created, started, stopped] = events;
  assert.equal(ran?.podSandboxStatus?.metadata?.uid, 'uid-shown');
  assert.equal(ran?.podSandboxStatus?.state, 0);
  assert.notEqual(ran?.podSandboxStatus?.network?.ip, '');
  assert.deepEqual(ran?.containersStatuses, []);
  const states = [created, started, stopped].map((event) => event?.containersStatuses[0]?.state);
  assert.deepEqual(states, [
    ContainerState.CONTAINER_CREATED,
    ContainerState.CONTAINER_RUNNING,
    ContainerState.CONTAINER_EXITED,
  ]);
  assert.equal(stopped?.containersStatuses[0]?.exitCode, 7);
  assert.equal(stopped?.containersStatuses[0]?.reason, 'Error');
  // A kubelet drops an event that is older than the status that it has.
  const status = await served.client.runtime.podSandboxStatus({ podSandboxId: pod });
  assert.ok(status.timestamp > (stopped?.createdAt ?? 0n));
  await served.client.runtime.removePodSandbox({ podSandboxId: pod });
  await subscriber.stop();
});

test('a container that cannot run is told of as stopped', async () => {
  const subscriber = subscribe();
  const pod = await runPod('cannot');
  const request = containerRequest(pod, 'c', served.node.image, '');
  const { containerId } = await served.client.runtime.createContainer({
    ...request,
    config: { ...request.config, command: ['/no/such/program'] },
  });
  await assert.rejects(served.client.runtime.startContainer({ containerId }));
  const [, stopped] = await subscriber.events(2, containerId);
  assert.equal(stopped?.containersStatuses[0]?.reason, 'ContainerCannotRun');
  await served.client.runtime.removePodSandbox({ podSandboxId: pod });
  await subscriber.stop();
});

test('what nobody has taken goes to the next subscriber, once, also after a restart', async () => {
  const first = await runPod('untaken');
  const exits = await start(first, 'exits', 'sleep 1; exit 5');
  await served.restart(() => new Promise((resolve) => setTimeout(resolve, 2500)));
  const subscriber = subscribe();
  const events = await subscriber.events(3, exits);
  assert.deepEqual(words(events), ['CREATED', 'STARTED', 'STOPPED']);
  assert.equal(events[0]?.containersStatuses[0]?.state, ContainerState.CONTAINER_CREATED);
  assert.equal(events[2]?.containersStatuses[0]?.exitCode, 5);
  assert.deepEqual(words(await subscriber.events(2, first)), ['CREATED', 'STARTED']);
  await subscriber.stop();
  const later = subscribe();
  await served.client.runtime.removePodSandbox({ podSandboxId: first });
  const rest = await later.events(3, first, exits);
  assert.deepEqual(words(rest), ['STOPPED', 'DELETED', 'DELETED']);
  await later.stop();
});

test('what was done but not written down before a crash is told after it', async () => {
  const pod = await runPod('crash');
  const container = await start(pod, 'c', 'sleep 1000');
  const gone = await create(pod, 'gone', 'true');
  const journal = path.join(served.node.root, 'events.journal');
  await new Promise((resolve) => setTimeout(resolve, 200));
  // The journal as if cribd had been killed between a change of a record and its event.
  const before = await fs.readFile(journal, 'utf8');
  const cut = before.slice(0, before.indexOf(`started ${container}`)).replace(/\nE \d+ $/, '\n');
  await served.client.runtime.removeContainer({ containerId: gone });
  await served.restart(() => fs.writeFile(journal, `${cut}K created ${gone} ${pod}\nE 999999 torn`));
  const subscriber = subscribe();
  assert.deepEqual(words(await subscriber.events(2, container)), ['CREATED', 'STARTED']);
  assert.deepEqual(words(await subscriber.events(1, gone)), ['DELETED']);
  await served.client.runtime.removePodSandbox({ podSandboxId: pod });
  await subscriber.stop();
});

test('the end of an old sandbox comes with the status of the one in its place, and statuses of both', async () => {
  const subscriber = subscribe();
  const old = await runPod('again', 'uid-again', 0);
  const container = await start(old, 'init', 'true');
  await subscriber.events(3, container);
  await served.client.runtime.stopPodSandbox({ podSandboxId: old });
  const young = await runPod('again', 'uid-again', 1);
  const [, started] = await subscriber.events(2, young);
  assert.deepEqual(
    started?.containersStatuses.map(({ id }) => id),
    [container],
  );
  const status = await served.client.runtime.podSandboxStatus({ podSandboxId: young });
  assert.deepEqual(
    status.containersStatuses.map(({ id }) => id),
    [container],
  );
  await served.client.runtime.removePodSandbox({ podSandboxId: old });
  const events = await subscriber.events(4, old);
  assert.equal(events[3]?.podSandboxStatus?.id, young);
  await served.client.runtime.removePodSandbox({ podSandboxId: young });
  const last = await subscriber.events(4, young);
  assert.equal(last[3]?.podSandboxStatus?.id, young);
  await subscriber.stop();
});

test('a server that ends lets its subscribers know', async () => {
  const subscriber = subscribe();
  await new Promise((resolve) => setTimeout(resolve, 200));
  await served.restart();
  assert.match(String(await subscriber.ended), /crib ends; call again/);
});
