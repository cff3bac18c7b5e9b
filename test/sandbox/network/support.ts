/** Real network namespaces, and what the host has of interfaces, rules and reservations. */

import { execFile, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Log } from '../../../runtime/log.js';
import type { NetworkRequest } from '../../../sandbox/network/types.js';

const execute = promisify(execFile);

export const BIN_DIRS = ['/opt/cni/bin', '/usr/lib/cni'];
export const SIGNAL = AbortSignal.timeout(120_000);

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export async function command(file: string, ...args: string[]): Promise<string> {
  return (await execute(file, args, { timeout: 20_000, maxBuffer: 16 * 1024 * 1024 })).stdout;
}

/** Removed once more at the end: what a test takes down after itself may have written there again. */
const directories: string[] = [];
process.once('exit', () => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

export async function temporary(t: TestContext): Promise<string> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-network-'));
  directories.push(directory);
  t.after(() => fs.rm(directory, { recursive: true, force: true }));
  return directory;
}

let counter = 0;

/** A pinned network namespace with loopback up; its path. */
export async function namespace(t: TestContext): Promise<string> {
  const name = `cribtest-${process.pid}-${counter++}`;
  await command('ip', 'netns', 'add', name);
  t.after(() => command('ip', 'netns', 'delete', name).catch(() => undefined));
  await command('ip', '-n', name, 'link', 'set', 'lo', 'up');
  return `/run/netns/${name}`;
}

export function request(podId: string, netns: string, extra: Partial<NetworkRequest> = {}): NetworkRequest {
  return {
    podId,
    metadata: { name: podId, namespace: 'default', uid: `uid-${podId}`, attempt: 0 },
    netns,
    portMappings: [],
    annotations: {},
    cgroupParent: '',
    dns: undefined,
    ...extra,
  };
}

export function tcpPort(hostPort: number, containerPort: number, hostIp = '') {
  return { protocol: 'tcp', hostPort, containerPort, hostIp } as const;
}

/** A server in a namespace that answers every connection with `answer`. Resolves when it listens. */
export async function serve(t: TestContext, netns: string, port: number, answer: string): Promise<void> {
  const script = `require('net').createServer(s => s.end(${JSON.stringify(answer)})).listen(${port}, '::', () => console.log('up'))`;
  const child = spawn('nsenter', [`--net=${netns}`, process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => {
    child.kill('SIGKILL');
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

/** What a server says, reached from `netns` (the host when undefined). */
export async function ask(netns: string | undefined, host: string, port: number): Promise<string> {
  const script = `const s = require('net').connect(${port}, '${host}'); s.setTimeout(4000, () => s.destroy(new Error('timeout')));
    s.on('data', d => process.stdout.write(d)); s.on('error', e => { console.error(e.message); process.exit(1); });`;
  const node = [process.execPath, '-e', script] as const;
  if (netns === undefined) return command(...node);
  return command('nsenter', `--net=${netns}`, ...node);
}

/** Everything on the host that networks of pods may leave, as sorted lines. */
export async function hostState(): Promise<string[]> {
  const links = (await fs.readdir('/sys/class/net')).map((name) => `link ${name}`);
  const rules = (await command('nft', 'list', 'ruleset')).split('\n').map((line) => line.trim());
  const kept = rules
    .filter((line) => /crib|CNI|10\.201\./.test(line))
    .map((line) => line.replace(/packets \d+ bytes \d+/, ''));
  return [...links, ...kept].sort();
}
