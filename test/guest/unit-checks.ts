/** What must hold of crib as units of a real systemd. */

import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerState } from '../../cri/api/generated/index.js';
import { eventually, isGone } from '../cluster/wait.js';
import { command } from '../support/command.js';
import {
  containerCgroup,
  keepers,
  limit,
  podCgroup,
  property,
  type ServiceNode,
  type Started,
  UNITS,
  type Unit,
} from './service-node.js';

export interface UnitCheck {
  readonly name: string;
  /** Rejects with what is wrong. */
  run(node: ServiceNode): Promise<void>;
}

const MIB = 1024 * 1024;
const GAP = '[crib: keeper restarted, output may be missing]';
const COUNT = 'n=0; while :; do n=$((n + 1)); echo $n; sleep 0.5; done';

/** What the container has said; a terminal ends its lines with CR LF. */
async function said({ log }: Started): Promise<string[]> {
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => line.split(' ').slice(3).join(' ').replace(/\r$/, ''));
}

/** Waits until it has said more than `than` lines. */
async function goesOn(started: Started, than: number): Promise<void> {
  await eventually('the log goes on', async () => (await said(started)).length > than + 1);
}

/** The same processes run; the log goes on; every number is there once, in order, but at `gaps` marked places. */
async function assertSame(node: ServiceNode, started: Started, processes: string, gaps: number): Promise<void> {
  await goesOn(started, (await said(started)).length);
  assert.equal(await node.state(started), ContainerState.CONTAINER_RUNNING);
  assert.equal(firstLine(await node.processes(started)), firstLine(processes));
  assert.equal(await node.exec(started, 'echo', 'works'), 'works');
  const lines = await said(started);
  const numbers = lines.filter((line) => line !== GAP).map(Number);
  const jumps = numbers.filter((number, index) => index > 0 && number !== (numbers[index - 1] ?? 0) + 1);
  const marks = lines.length - numbers.length;
  assert.ok(marks <= gaps && jumps.length <= marks, `${marks} marks for ${gaps} deaths; jumps: ${jumps.join(' ')}`);
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

async function mainPid(unit: Unit): Promise<number> {
  return Number(await property(unit, 'MainPID'));
}

const started: UnitCheck = {
  name: 'both units run, and the one keeper is its unit’s',
  run: async () => {
    for (const unit of UNITS) assert.equal(await property(unit, 'ActiveState'), 'active');
    assert.deepEqual(await keepers(), [await mainPid('crib-keeper.service')]);
    assert.equal(await property('crib-keeper.service', 'StatusErrno'), '0');
  },
};

const ownSlice: UnitCheck = {
  name: 'a pod has a slice, a container a scope with its limits',
  run: async (node) => {
    const memory = BigInt(64 * MIB);
    await node.run('plain', COUNT, { handler: 'crun', memory });
    await node.run('terminal', COUNT, { handler: 'runc', memory, tty: true });
    for (const name of ['plain', 'terminal']) {
      const pod = node.earlier(name);
      assert.equal(await limit(pod, 'memory.max'), String(memory), name);
      assert.equal(await limit(pod, 'cpu.max'), '50000 100000', name);
      assert.equal(await limit(pod, 'cpu.weight'), '20', name);
      assert.equal((await readFile(`${podCgroup(pod)}/memory.max`, 'utf8')).trim(), String(memory), name);
      const scope = `crib-${pod.container}.scope`;
      assert.equal(await property(scope, 'ActiveState'), 'active', name);
      assert.equal(await property(scope, 'Slice'), `crib-pod${pod.pod}.slice`, name);
      // Its own cgroup namespace: a container cannot see where it is.
      assert.equal(await node.exec(pod, 'cat', '/proc/self/cgroup'), '0::/', name);
    }
  },
};

const confined: UnitCheck = {
  name: 'containers, and what is executed in them, are in crib’s AppArmor profile',
  run: async (node) => {
    for (const name of ['plain', 'terminal']) {
      for (const process of ['1', 'self']) {
        const profile = await node.exec(node.earlier(name), 'cat', `/proc/${process}/attr/current`);
        assert.equal(profile, 'crib-default (enforce)', `${name} ${process}`);
      }
    }
  },
};

const reload: UnitCheck = {
  name: 'limits that were changed outlive daemon-reload and daemon-reexec',
  run: async (node) => {
    const pods = ['plain', 'terminal'].map((name) => node.earlier(name));
    const linux = { memoryLimitInBytes: BigInt(48 * MIB), cpuQuota: 20_000n, cpuPeriod: 100_000n, cpuShares: 1024n };
    for (const { container } of pods) {
      await node.cri.runtime.updateContainerResources({ containerId: container, linux });
    }
    for (const verb of ['', 'daemon-reload', 'daemon-reexec']) {
      if (verb !== '') await command('systemctl', [verb]);
      for (const [index, pod] of pods.entries()) {
        const found = await Promise.all(['memory.max', 'cpu.max', 'cpu.weight'].map((file) => limit(pod, file)));
        assert.deepEqual(found, [String(48 * MIB), '20000 100000', '39'], `${['crun', 'runc'][index]} ${verb}`);
      }
    }
    await node.answers();
  },
};

const stats: UnitCheck = {
  name: 'statistics are those of the scope',
  run: async (node) => {
    const plain = node.earlier('plain');
    const { stats } = await node.cri.runtime.containerStats({ containerId: plain.container });
    const working = Number(stats?.memory?.workingSetBytes?.value ?? 0);
    assert.ok(working > 0 && working < 48 * MIB, String(working));
    assert.ok(Number(stats?.cpu?.usageCoreNanoSeconds?.value ?? 0) > 0);
    assert.equal(Number(stats?.memory?.availableBytes?.value ?? 0) + working, 48 * MIB);
  },
};

/** Does something to the units while both pods run, and looks whether these have noticed. */
function disturbance(name: string, gaps: number, disturb: () => Promise<void>): UnitCheck {
  return {
    name,
    run: async (node) => {
      const pods = ['plain', 'terminal'].map((pod) => node.earlier(pod));
      const before = await Promise.all(pods.map((pod) => node.processes(pod)));
      await disturb();
      await node.answers();
      for (const [index, pod] of pods.entries()) await assertSame(node, pod, before[index] ?? '', gaps);
      for (const unit of UNITS) assert.equal(await property(unit, 'ActiveState'), 'active');
    },
  };
}

async function killAndWait(...units: Unit[]): Promise<void> {
  const pids = await Promise.all(units.map(mainPid));
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await eventually('systemd has started them again', async () => {
    const now = await Promise.all(units.map(mainPid));
    const states = await Promise.all(units.map((unit) => property(unit, 'ActiveState')));
    return states.every((state) => state === 'active') && now.every((pid, index) => pid > 0 && pid !== pids[index]);
  });
}

const RESTARTS: readonly UnitCheck[] = [
  disturbance('systemctl restart crib: pods go on', 0, async () => {
    await command('systemctl', ['restart', 'crib.service']);
  }),
  disturbance('kill -9 of crib: systemd starts it again, pods go on', 0, () => killAndWait('crib.service')),
  disturbance('kill -9 of the keeper: containers and terminals go on', 1, () => killAndWait('crib-keeper.service')),
  disturbance('kill -9 of both at once: terminals live by the descriptor store', 2, () => killAndWait(...UNITS)),
];

const oneKeeper: UnitCheck = {
  name: 'after all of this there is one keeper, the unit’s',
  run: async () => {
    assert.deepEqual(await keepers(), [await mainPid('crib-keeper.service')]);
  },
};

const stopped: UnitCheck = {
  name: 'systemctl stop of both leaves containers; they are known again afterwards',
  run: async (node) => {
    const plain = node.earlier('plain');
    const before = await node.processes(plain);
    await command('systemctl', ['stop', ...UNITS]);
    await sleep(1_000);
    assert.equal(firstLine(await node.processes(plain)), firstLine(before));
    await command('systemctl', ['start', ...UNITS]);
    await node.answers();
    await assertSame(node, plain, before, 3);
  },
};

const removed: UnitCheck = {
  name: 'a pod that is removed leaves neither slice nor scope, and no unit that failed',
  run: async (node) => {
    for (const name of ['plain', 'terminal']) {
      const pod = node.earlier(name);
      await node.cri.runtime.removePodSandbox({ podSandboxId: pod.pod });
      await eventually('the cgroups are gone', async () => {
        return (await isGone(containerCgroup(pod))) && (await isGone(podCgroup(pod)));
      });
    }
    const list = (await command('systemctl', ['list-units', '--all', '--plain', '--no-legend', 'crib-*'])).toString();
    const units = list.split('\n').filter((line) => /\.(slice|scope) /.test(line));
    assert.deepEqual(units, []);
    const failed = (await command('systemctl', ['list-units', '--failed', '--plain', '--no-legend'])).toString();
    assert.equal(failed.trim(), '');
    await access('/sys/fs/cgroup/system.slice');
  },
};

const journal: UnitCheck = {
  name: 'crib has logged no error',
  run: async () => {
    const args = ['--output=cat', '--no-pager', ...UNITS.map((unit) => `--unit=${unit}`)];
    const lines = (await command('journalctl', args)).toString().split('\n');
    assert.deepEqual(
      lines.filter((line) => /"level":"?(error|50)/.test(line)),
      [],
    );
  },
};

export const UNIT_CHECKS: readonly UnitCheck[] = [
  ...[started, ownSlice, confined, reload, stats],
  ...RESTARTS,
  ...[oneKeeper, stopped, removed, journal],
];
