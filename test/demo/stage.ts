/** What the demo stands on: directories, a registry with one image, and a daemon of its own; and how it all goes again. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createNetwork } from '../../sandbox/network/index.js';
import { buildImage } from '../support/images.js';
import { busyboxRootfs } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import { type Registry, startRegistry } from '../support/registry.js';

/** The checkout; this file runs as `dist/test/demo/stage.js`. */
export const CHECKOUT = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const CRIB = path.join(CHECKOUT, 'cri/cli/crib');

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
const quiet = () => undefined;
const NO_LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export interface Stage {
  readonly directory: string;
  readonly configFile: string;
  readonly image: string;
  readonly hostPort: number;
  readonly bridge: string;
  readonly state: string;
}

/** Owns everything that it sets up; `strike` takes it down again, however far it came. */
export class StageHands {
  #directory = '';
  #registry: Registry | undefined;
  #daemon: ChildProcess | undefined;
  #stage: Stage | undefined;
  #subnet = '';

  async setUp(): Promise<Stage> {
    this.#directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-demo-'));
    this.#registry = await startRegistry();
    const image = `${this.#registry.address}/demo/busybox:1`;
    const built = await buildImage({ files: await busyboxRootfs(), config: { Cmd: ['/bin/sh'] } });
    await pushImage(this.#registry.address, 'demo/busybox', '1', built);
    const suffix = path.basename(this.#directory).slice(-6).toLowerCase();
    this.#subnet = freeSubnet();
    const stage: Stage = {
      directory: this.#directory,
      configFile: path.join(this.#directory, 'config.toml'),
      image,
      hostPort: await freePort(),
      bridge: `crib-${suffix}`,
      state: path.join(this.#directory, 'state'),
    };
    this.#stage = stage;
    await fs.writeFile(stage.configFile, configuration(stage, this.#subnet));
    return stage;
  }

  /** Starts `crib serve` and waits until its socket is there. */
  async startDaemon(): Promise<void> {
    const stage = this.#stage;
    if (stage === undefined) throw new Error('nothing is set up');
    const log = await fs.open(path.join(stage.directory, 'crib.log'), 'a');
    this.#daemon = spawn(CRIB, ['serve', '--config', stage.configFile], { stdio: ['ignore', log.fd, log.fd] });
    await log.close();
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(path.join(stage.directory, 'crib.sock')))) {
      if (this.#daemon.exitCode !== null || Date.now() > deadline)
        throw new Error(`crib serve did not start: ${await this.daemonLog()}`);
      await sleep(50);
    }
  }

  /** The end of the daemon's log, for a failure. */
  async daemonLog(): Promise<string> {
    const text = await fs.readFile(path.join(this.#directory, 'crib.log'), 'utf8').catch(() => '');
    return text.split('\n').slice(-15).join('\n');
  }

  /** Ends the daemon, its keeper and the registry, removes the bridge and the directory. Idempotent. */
  async strike(): Promise<void> {
    const stage = this.#stage;
    if (this.#daemon !== undefined) await endChild(this.#daemon);
    if (stage !== undefined) {
      await endKeeper(stage.state);
      await removeBridge(stage, this.#subnet);
    }
    await this.#registry?.stop();
    if (this.#directory !== '') await fs.rm(this.#directory, { recursive: true, force: true });
  }
}

function configuration(stage: Stage, subnet: string): string {
  return [
    `listen = "unix://${stage.directory}/crib.sock"`,
    `root = "${stage.directory}/root"`,
    `state = "${stage.state}"`,
    `certs_dir = "${stage.directory}/certs.d"`,
    '[network]',
    'mode = "bridge"',
    '[network.bridge]',
    `name = "${stage.bridge}"`,
    `subnets = ["${subnet}"]`,
    '',
  ].join('\n');
}

/** One that no interface of this host is in. */
function freeSubnet(): string {
  const taken = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  for (let third = 77; third < 250; third += 1) {
    const prefix = `10.213.${third}.`;
    if (!taken.some(({ address }) => address.startsWith(prefix))) return `${prefix}0/24`;
  }
  throw new Error('no free subnet for the demo in 10.213.0.0/16');
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}

/** A keeper outlives its daemon by design; so who wants nothing left ends it. Its lock file holds its pid. */
async function endKeeper(state: string): Promise<void> {
  const pid = await keeperPid(state);
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while ((await keeperPid(state)) === pid) {
    if (Date.now() > deadline) process.kill(pid, 'SIGKILL');
    await sleep(20);
  }
}

/** undefined when there is none: a pid alone may be another process by now. */
export async function keeperPid(state: string): Promise<number | undefined> {
  const text = await fs.readFile(path.join(state, 'keeper.lock'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!(pid > 1)) return undefined;
  const commandLine = await fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.split('\0').includes(state) ? pid : undefined;
}

async function removeBridge(stage: Stage, subnet: string): Promise<void> {
  const network = createNetwork({
    mode: 'bridge',
    root: path.join(stage.directory, 'root', 'network'),
    confDir: path.join(stage.directory, 'none'),
    binDirs: [],
    bridge: { name: stage.bridge, subnets: [subnet] },
    log: NO_LOG,
  });
  await network.open();
  await network.destroy();
}
