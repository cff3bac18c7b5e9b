/**
 * The keeper: one process per node that outlives cribd. It is the child subreaper, starts OCI runtime processes, owns
 * container stdio, writes CRI logs and records exit codes durably. Started as `node MAIN --state DIR`; it holds
 * `DIR/keeper.lock` and listens on `DIR/keeper.sock`. `--handover FD` gives it descriptors (handover.ts); `--accepts N`
 * only asks whether it could read a handover of version N. It depends on nothing but Node and runtime/linux.
 */

import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '../errors.js';
import { armFailpoints } from '../failpoints.js';
import { O } from '../linux/constants.js';
import { tryLock } from '../linux/files.js';
import { IdleRelease } from '../linux/memory.js';
import { becomeSubreaper } from '../linux/processes.js';
import { listenUnix } from '../linux/sockets.js';
import type { Log } from '../log.js';
import { Children } from './children.js';
import { FdStore, takeStored } from './fd-store.js';
import { descriptorsOf, HANDOVER_VERSION, takeHandover } from './handover.js';
import { KeeperCore } from './keeper-core.js';
import { killLeftExecs } from './left-execs.js';
import { ALREADY_RUNNING } from './protocol.js';
import { Server } from './server.js';

const LOG_FD = 2;
/** After this much without a request, memory that only requests need is given back. */
const IDLE_MS = 2_000;

const BACKLOG = 511;
const USAGE = 64;
const CANNOT_START = 70;

/** JSON lines on stderr, which the starter points at `keeper.log`. */
function makeLog(): Log {
  const write = (level: string) => (fields: Record<string, unknown>, message: string) => {
    try {
      fs.writeSync(LOG_FD, `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
    } catch {
      // a full disk must not stop the keeper
    }
  };
  return { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error') };
}

function argumentOf(name: string): string | undefined {
  const index = process.argv.indexOf(name);
  return index < 0 ? undefined : process.argv[index + 1];
}

function stateDirectory(): string {
  const value = argumentOf('--state');
  if (value !== undefined && path.isAbsolute(value)) return value;
  process.stderr.write('usage: keeper --state DIRECTORY (an absolute path)\n');
  return process.exit(USAGE);
}

/** Held until the process ends. */
function takeLock(state: string): number {
  const fd = fs.openSync(
    path.join(state, 'keeper.lock'),
    fs.constants.O_RDWR | fs.constants.O_CREAT | O.CLOEXEC,
    0o600,
  );
  if (!tryLock(fd)) process.exit(ALREADY_RUNNING);
  fs.ftruncateSync(fd);
  fs.writeSync(fd, `${process.pid}\n`);
  return fd;
}

function softFileLimit(): bigint | undefined {
  const text = process.env.CRIB_NOFILE_SOFT;
  return text !== undefined && /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
}

/** systemd, when it is the one that has started this. One that cannot be told anything keeps nobody from starting. */
function serviceManager(log: Log): FdStore | undefined {
  const { NOTIFY_SOCKET: socket } = process.env;
  if (socket === undefined) return undefined;
  try {
    return new FdStore(socket);
  } catch (error) {
    log.warn({ socket, error: messageOf(error) }, 'the service manager cannot be notified; it stores no descriptors');
    return undefined;
  }
}

async function main(): Promise<void> {
  const state = stateDirectory();
  const log = makeLog();
  armFailpoints();
  process.umask(0o022);
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGPIPE'] as const) process.on(signal, () => undefined);
  process.on('uncaughtException', (error) => log.error({ error: error.stack ?? error.message }, 'unexpected error'));
  process.on('unhandledRejection', (error) => log.error({ error: messageOf(error) }, 'unexpected rejection'));
  fs.mkdirSync(state, { recursive: true, mode: 0o711 });
  const file = argumentOf('--handover');
  const handover = file === undefined ? undefined : takeHandover(Number(file));
  const lock = handover?.keeper?.lock ?? takeLock(state);
  process.chdir('/');
  becomeSubreaper();

  const idle = new IdleRelease(IDLE_MS);
  const children = new Children(softFileLimit());
  const endOfStart = children.expectInit();
  for (const fd of handover === undefined ? [] : descriptorsOf(handover)) children.saw(fd);
  const core = new KeeperCore(state, children, log, (container) => server.exited(container));
  const store = serviceManager(log);
  const server = new Server({
    state,
    lock,
    listener: handover?.keeper?.listener ?? listen(state),
    core,
    isService: store !== undefined,
    log,
    onRequest: () => idle.touch(),
  });
  if (store !== undefined) core.holders.add(store);
  const left = handover?.keeper === undefined ? killLeftExecs(state) : undefined;
  await Promise.all([core.load(handover?.containers ?? takeStored(process.env)), left]);
  server.open(handover?.keeper?.connections ?? []);
  children.catchUp();
  endOfStart();
  store?.ready();
  const how = handover === undefined ? 'new' : handover.keeper === undefined ? 'after a death' : 'upgraded';
  log.info({ pid: process.pid, state, how, containers: core.list().length }, 'keeper is ready');
  idle.touch();
}

/** The lock says that whatever socket lies there is nobody's. It is bound by a short name (sun_path), private, then renamed. */
function listen(state: string): number {
  const file = path.join(state, 'keeper.sock');
  const directory = fs.openSync(state, O.PATH | O.DIRECTORY | O.CLOEXEC);
  const fresh = `${file}.new`;
  fs.rmSync(fresh, { force: true });
  const mask = process.umask(0o177);
  try {
    const listener = listenUnix(`/proc/self/fd/${directory}/keeper.sock.new`, 'stream', BACKLOG);
    fs.renameSync(fresh, file);
    return listener;
  } finally {
    process.umask(mask);
    fs.closeSync(directory);
  }
}

/** What it has taken over already would keep it running, and it the lock. */
function giveUp(error: unknown): never {
  makeLog().error({ error: error instanceof Error ? error.stack : String(error) }, 'the keeper cannot start');
  process.exit(CANNOT_START);
}

const accepts = argumentOf('--accepts');
if (accepts === undefined) void main().catch(giveUp);
else process.exitCode = accepts === String(HANDOVER_VERSION) ? 0 : USAGE;
