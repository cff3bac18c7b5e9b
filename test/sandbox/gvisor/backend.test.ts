import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ContainerConfig } from '../../../runtime/containers/config.js';
import type { PodRuntime } from '../../../sandbox/types.js';
import { containerConfig, podConfig } from '../../support/configs.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { runscMissing } from '../../support/runsc.js';
import { until } from '../../support/until.js';

const skip = await runscMissing();
let node: TestNode;
let attempt = 0;
const NEVER = new AbortController().signal;
const pods = (): PodRuntime => node.node().pods;

before(async () => {
  if (skip !== false) return;
  node = await startTestNode('10.203.77.0/24', 'cribtestgv0');
});

after(() => node?.stop());

function runPod(name: string): Promise<string> {
  return pods().runPod({ ...podConfig(name), logDirectory: path.join(node.directory, 'logs') }, 'gvisor', NEVER);
}

function shell(script: string, change: Partial<ContainerConfig> = {}): ContainerConfig {
  attempt += 1;
  const base = containerConfig(`c${attempt}`, node.image);
  return { ...base, command: ['sh', '-c', script], logPath: `c${attempt}.log`, ...change };
}

async function start(pod: string, config: ContainerConfig): Promise<string> {
  const id = await pods().createContainer(pod, config, undefined);
  await pods().startContainer(id);
  return id;
}

async function ended(id: string) {
  await until(() => pods().containerStatus(id).state === 'exited', `${id} ends`);
  return pods().containerStatus(id);
}

async function text(id: string, ...command: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await pods().execSync(id, command, 10_000, NEVER);
  assert.equal(exitCode, 0, stderr.toString());
  return stdout.toString().trim();
}

test('a container of a gVisor pod runs on a kernel of its own; its output is logged and its exit code known', {
  skip,
}, async () => {
  const pod = await runPod('first');
  const id = await start(pod, shell('dmesg | head -1; echo oops >&2; exit 7'));
  const { exitCode, reason, logPath } = await ended(id);
  assert.deepEqual({ exitCode, reason }, { exitCode: 7, reason: 'Error' });
  const log = await fs.readFile(logPath, 'utf8');
  assert.match(log, / stdout F .*Starting gVisor/);
  assert.match(log, / stderr F oops/);
  await pods().removePod(pod);
});

test('two containers of a gVisor pod have one network; commands run in them; they end with the pod', {
  skip,
}, async () => {
  const pod = await runPod('shared');
  const one = await start(pod, shell('sleep 1000'));
  const two = await start(pod, shell('sleep 1000'));
  const [ip = '-'] = pods().podStatus(pod).ips;
  assert.match(await text(one, 'ip', '-4', 'addr', 'show', 'eth0'), new RegExp(ip));
  assert.match(await text(two, 'ip', '-4', 'addr', 'show', 'eth0'), new RegExp(ip));
  assert.equal(await text(two, 'hostname'), 'shared');
  assert.equal((await pods().execSync(one, ['sh', '-c', 'exit 3'], 10_000, NEVER)).exitCode, 3);
  await pods().stopPod(pod);
  assert.equal(pods().containerStatus(one).exitCode, 137);
  await pods().removePod(pod);
});
