/** A runtime under measurement: started with directories of its own, restarted, asked what it costs, stopped. */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CriClient, connect as connectCri } from '../../cri/client.js';
import { startContainerd } from '../conformance/runtimes.js';
import { command } from '../support/command.js';

import { type BenchNetwork, freeSubnet, removeBridge, writeNetwork } from './network.js';
import { inParallel } from './parallel.js';
import { descendants, processTable } from './processes.js';
import type { Runtime } from './results.js';

const READY_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 30_000;
const POLL_MS = 3;
const REMOVE_PASSES = 5;
export const CNI_BIN_DIR = '/usr/lib/cni';

/** What the command lines of the processes that supervise containers have in them. */
const SUPERVISORS: Readonly<Record<Runtime, string>> = {
  crib: 'keeper.js',
  containerd: 'containerd-shim',
  crio: 'conmon',
};

/** The processes of a runtime, by what they are there for. */
export interface Pids {
  readonly daemon: number;
  /** crib's keeper, containerd's shims, CRI-O's monitors. */
  readonly supervisors: readonly number[];
  /** The first processes of shared PID namespaces, and pause processes. */
  readonly inits: readonly number[];
}

export class Contestant {
  readonly side: Runtime;
  readonly dir: string;
  /** Words in packet filter rules, and names of links, that are this runtime's. */
  readonly marks: readonly string[];
  readonly #endpoint: string;
  readonly #bridge: string;
  readonly #launch: () => Promise<ChildProcess>;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #cri: CriClient;

  constructor(parts: {
    side: Runtime;
    dir: string;
    endpoint: string;
    bridge: string;
    marks: readonly string[];
    launch: () => Promise<ChildProcess>;
    /** What the daemon writes; default: `daemon.log` in its directory. */
    logFile?: string;
  }) {
    this.side = parts.side;
    this.dir = parts.dir;
    this.marks = parts.marks;
    this.#endpoint = parts.endpoint;
    this.#bridge = parts.bridge;
    this.#launch = parts.launch;
    this.#logFile = parts.logFile ?? join(parts.dir, 'daemon.log');
    this.#cri = connectCri(parts.endpoint);
  }

  get cri(): CriClient {
    return this.#cri;
  }

  /** What a reboot may drop lies in memory, as /run does; `--state` of each is `state` in its directory. */
  async mountState(): Promise<void> {
    const state = join(this.dir, 'state');
    await mkdir(state, { recursive: true, mode: 0o711 });
    await command('mount', ['-t', 'tmpfs', '-o', 'mode=711', 'tmpfs', state]);
  }

  /** Starts the daemon; milliseconds until Status says that runtime and network are ready. */
  async start(): Promise<number> {
    this.#cri.close();
    const begin = performance.now();
    this.#child = await this.#launch();
    await this.#untilReady(this.#child);
    const took = performance.now() - begin;
    this.#cri = connectCri(this.#endpoint);
    return took;
  }

  /** Ends the daemon as a service manager does; what outlives it by design goes on. */
  async end(): Promise<void> {
    this.#cri.close();
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }

  /** `kill -9` of the daemon; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  /** Whether the daemon's process is there. */
  get alive(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async pids(): Promise<Pids> {
    const daemon = this.#child?.pid;
    if (daemon === undefined) throw new Error(`${this.side} does not run`);
    const table = await processTable();
    const word = SUPERVISORS[this.side];
    const own = table.filter(({ line }) => line.includes(`${this.dir}/`) && line.includes(word));
    const supervisors = own.map(({ pid }) => pid);
    const inits = descendants(table, [...supervisors, daemon]).filter(({ command: name }) => name === 'catatonit');
    return { daemon, supervisors, inits: inits.map(({ pid }) => pid) };
  }

  /** Until none is listed: one whose call was under way when the run was ended shows up late. */
  async removePods(): Promise<void> {
    for (let pass = 0; pass < REMOVE_PASSES; pass += 1) {
      const { items } = await this.#cri.runtime.listPodSandbox({});
      if (items.length === 0) return;
      await inParallel(4, items, async ({ id }) => {
        await this.#cri.runtime.stopPodSandbox({ podSandboxId: id });
        await this.#cri.runtime.removePodSandbox({ podSandboxId: id });
      });
    }
  }

  /** Removes the pods, ends the daemon and what it left running on purpose, and takes its networks away. */
  async stop(): Promise<void> {
    if (this.#child !== undefined) await this.removePods().catch((error: unknown) => console.error(`bench: ${error}`));
    await this.end();
    for (const { pid, line } of await processTable()) {
      if (line.includes(`${this.dir}/`) && pid !== process.pid) endProcess(pid);
    }
    await command('umount', ['-l', join(this.dir, 'state')]).catch(() => {}); // not mounted yet
    await removeBridge(this.#bridge);
    if (this.side === 'crib') {
      await command('nft', ['delete', 'table', 'inet', `crib_${this.#bridge}`]).catch(() => {}); // its own network only
    }
  }

  async #untilReady(child: ChildProcess): Promise<void> {
    const until = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      if (child.exitCode !== null) break;
      if (await accepts(this.#endpoint.slice('unix://'.length))) {
        if (await ready(this.#endpoint)) return;
      }
      if (performance.now() > until) break;
      await sleep(POLL_MS);
    }
    const log = await readFile(this.#logFile, 'utf8').catch(() => '');
    throw new Error(`${this.side} did not get ready: ${log.slice(-2000)}`);
  }
}

export interface CribSettings {
  readonly ociRuntime?: string;
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** crib with a CNI network, or with its own. */
export async function cribContestant(
  dir: string,
  certsDir: string,
  network: 'cni' | 'bridge',
  { ociRuntime = 'runc', env = {} }: CribSettings = {},
): Promise<Contestant> {
  await mkdir(dir, { recursive: true });
  const socket = join(dir, 'crib.sock');
  const args = ['serve', '--listen', `unix://${socket}`, '--root', join(dir, 'root'), '--state', join(dir, 'state')];
  args.push('--certs-dir', certsDir, '--cni-bin-dir', CNI_BIN_DIR, '--oci-runtime', ociRuntime);
  args.push('--streaming-address', '127.0.0.1:0');
  const cni: BenchNetwork = await writeNetwork(dir, network === 'cni' ? 'a' : 'c');
  args.push('--cni-conf-dir', cni.confDir);
  if (network === 'bridge') {
    const file = join(dir, 'config.toml');
    const subnet = await freeSubnet();
    await writeFile(
      file,
      `[network]\nmode = "bridge"\n[network.bridge]\nname = "${cni.bridge}"\nsubnets = ["${subnet}"]\n`,
    );
    args.push('--config', file);
  }
  const launch = async (): Promise<ChildProcess> => {
    const log = await open(join(dir, 'daemon.log'), 'a');
    const stdio = ['ignore', log.fd, log.fd] as const;
    const child = spawn(join('cri', 'cli', 'crib'), args, { stdio: [...stdio], env: { ...serviceEnv(), ...env } });
    child.on('error', (error) => console.error(`bench: crib: ${error.message}`));
    await log.close();
    return child;
  };
  const marks = [cni.name, cni.bridge];
  return new Contestant({ side: 'crib', dir, endpoint: `unix://${socket}`, bridge: cni.bridge, marks, launch });
}

/** As a service manager starts it: what a login adds for Node (certificates to be read) is no part of a daemon's start. */
function serviceEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME };
}

export async function containerdContestant(dir: string, certsDir: string): Promise<Contestant> {
  await mkdir(dir, { recursive: true });
  const cni = await writeNetwork(dir, 'b');
  const setup = { dir, certsDir, cniConfDir: cni.confDir, ociRuntime: 'runc', logFile: join(dir, 'daemon.log') };
  const endpoint = `unix://${join(dir, 'containerd.sock')}`;
  const launch = async (): Promise<ChildProcess> => (await startContainerd(setup)).child;
  const marks = [cni.name, cni.bridge];
  return new Contestant({ side: 'containerd', dir, endpoint, bridge: cni.bridge, marks, launch });
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}

async function ready(endpoint: string): Promise<boolean> {
  const cri = connectCri(endpoint);
  try {
    const { status } = await cri.runtime.status({}, { timeoutMs: 5_000 });
    const conditions =
      status?.conditions.filter(({ type }) => type === 'RuntimeReady' || type === 'NetworkReady') ?? [];
    return conditions.length === 2 && conditions.every((condition) => condition.status);
  } catch {
    return false;
  } finally {
    cri.close();
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
