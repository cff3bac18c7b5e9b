/** Pods and containers are not made in cgroups that are frozen or somebody else's; what a dead attempt left is no obstacle. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createCgroups } from '../../runtime/cgroups/cgroups.js';
import { findHierarchies } from '../../runtime/cgroups/hierarchies.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { startTestNode, type TestNode } from '../support/node.js';
import { runscMissing } from '../support/runsc.js';

const NEVER = new AbortController().signal;
const noGvisor = await runscMissing();
const cgroups = await createCgroups();
const hierarchies = findHierarchies(await fs.readFile('/proc/self/mountinfo', 'utf8'));
const children: ChildProcess[] = [];
let node: TestNode;
let serial = 0;
const pods = () => node.node().pods;

before(async () => {
  node = await startTestNode('10.203.57.0/24', 'cribtestrcg0');
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await node.stop();
});

async function freeze(cgroup: string, frozen: boolean): Promise<void> {
  const v1 = hierarchies.controllers.get('freezer');
  if (v1 === undefined) await fs.writeFile(`${cgroups.directories(cgroup)[0]}/cgroup.freeze`, frozen ? '1' : '0');
  else await fs.writeFile(`${v1}${cgroup}/freezer.state`, frozen ? 'FROZEN' : 'THAWED');
}

const FROZEN = { code: 'FAILED_PRECONDITION', message: /cgroup \S+ is frozen: .*; thaw it: echo / };

function sleeping(name: string) {
  return { ...containerConfig(name, node.image), command: ['sleep', '1000'] };
}

async function cgroupOf(id: string): Promise<string> {
  const { cgroup } = await pods().containerInfo(id);
  assert.ok(typeof cgroup === 'string');
  return cgroup;
}

for (const [handler, skip] of [
  ['', false],
  ['gvisor', noGvisor],
] as const) {
  describe(`handler ${handler || 'host'}`, { skip }, () => {
    const run = () => {
      serial += 1;
      return pods().runPod(podConfig(`p${serial}`), handler, NEVER);
    };

    it('a frozen pod gets no container and starts none, at once, and goes on when it is thawed', async () => {
      const pod = await run();
      const made = await pods().createContainer(pod, sleeping('made'), undefined);
      const cgroup = path.dirname(await cgroupOf(made));
      await cgroups.create(cgroup);
      await freeze(cgroup, true);
      try {
        await assert.rejects(pods().createContainer(pod, sleeping('late'), undefined), FROZEN);
        await assert.rejects(pods().startContainer(made), FROZEN);
        const { state, reason, message } = pods().containerStatus(made);
        assert.deepEqual([state, reason], ['exited', 'ContainerCannotRun']);
        assert.match(message, /is frozen/);
        assert.equal(pods().listContainers({ podId: pod }).length, 1, 'nothing is left of the one that was refused');
      } finally {
        await freeze(cgroup, false);
      }
      const late = await pods().createContainer(pod, sleeping('late'), undefined);
      await pods().startContainer(late);
      assert.equal(pods().containerStatus(late).state, 'running');
      await pods().removePod(pod);
    });

    it('a pod whose cgroup_parent is frozen is refused, and its next attempt is made when it is thawed', async () => {
      serial += 1;
      const cgroupParent = `/crib-refused-test-${process.pid}/pod${serial}`;
      const config = { ...podConfig(`p${serial}`), cgroupParent };
      await cgroups.create(cgroupParent);
      await freeze(path.dirname(cgroupParent), true);
      await assert.rejects(pods().runPod(config, handler, NEVER), FROZEN);
      assert.deepEqual(pods().listPods({}), []);
      await freeze(path.dirname(cgroupParent), false);
      await pods().removePod(await pods().runPod(config, handler, NEVER));
      await cgroups.remove(path.dirname(cgroupParent));
    });
  });
}

it('a cgroup with processes is not taken for a container, and they live on', async () => {
  const pod = await pods().runPod(podConfig('used'), '', NEVER);
  const id = await pods().createContainer(pod, sleeping('c'), undefined);
  const cgroup = await cgroupOf(id);
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  children.push(child);
  await cgroups.create(cgroup);
  await cgroups.attach(cgroup, child.pid ?? 0);
  await assert.rejects(pods().startContainer(id), {
    code: 'FAILED_PRECONDITION',
    message: new RegExp(`cgroup ${cgroup} has 1 processes already \\(pid ${child.pid} first`),
  });
  assert.equal(child.exitCode ?? child.signalCode, null, 'the refusal kills nobody');
  assert.deepEqual(await cgroups.processes(cgroup), [child.pid]);
  await pods().removePod(pod);
  assert.equal(await cgroups.exists(cgroup), false, 'the removal of the container leaves no cgroup');
});

it('what an attempt left in which cribd and keeper died is cleared by the next start, and is no obstacle', async () => {
  const pod = await pods().runPod(podConfig('crashed'), '', NEVER);
  const id = await pods().createContainer(pod, sleeping('c'), undefined);
  const cgroup = await cgroupOf(id);
  const left = spawn('sleep', ['1000'], { stdio: 'ignore' });
  children.push(left);
  const keeper = Number(await fs.readFile(path.join(node.state, 'keeper.lock'), 'latin1'));
  await node.restart(async () => {
    process.kill(keeper, 'SIGKILL');
    await cgroups.create(cgroup);
    await cgroups.attach(cgroup, left.pid ?? 0);
  });
  assert.deepEqual(await cgroups.processes(cgroup), []);
  await pods().startContainer(id);
  assert.equal(pods().containerStatus(id).state, 'running');
  await pods().removePod(pod);
});

it('a frozen pod says what thaws it where it cannot be stopped (cgroup v1), and is stopped then', async () => {
  const pod = await pods().runPod(podConfig('frozen'), '', NEVER);
  const id = await pods().createContainer(pod, sleeping('c'), undefined);
  await pods().startContainer(id);
  const cgroup = path.dirname(await cgroupOf(id));
  await freeze(cgroup, true);
  const stopped = pods().stopPod(pod);
  if (cgroups.version === 1) {
    await assert.rejects(stopped, FROZEN);
    await freeze(cgroup, false);
    await pods().stopPod(pod);
  } else await stopped;
  assert.equal(pods().containerStatus(id).exitCode, 137);
  await pods().removePod(pod);
});
