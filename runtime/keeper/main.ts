/**
 * The keeper: one process per node that outlives cribd. It is the child subreaper, starts OCI runtime processes, owns
 * container stdio, writes CRI logs and records exit codes durably. Started as `node MAIN --state DIR`; it holds
 * `DIR/keeper.lock` and listens on `DIR/keeper.sock`. It depends on nothing but Node and runtime/linux.
 */

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { messageOf } from '../errors.js';
import { armFailpoints } from '../failpoints.js';
import { O } from '../linux/constants.js';
import { tryLock } from '../linux/files.js';
import { IdleRelease } from '../linux/memory.js';
import { becomeSubreaper } from '../linux/processes.js';
import type { Log } from '../log.js';
import { Children } from './children.js';
import { Connection } from './connection.js';
import { KeeperCore } from './keeper-core.js';

const LOG_FD = 2;
/** After this much without a request, memory that only requests need is given back. */
const IDLE_MS = 2_000;

/** Exit code when another keeper holds the lock: the starter connects to that one. */
const ALREADY_RUNNING = 75;

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

function stateDirectory(): string {
  const index = process.argv.indexOf('--state');
  const value = index < 0 ? undefined : process.argv[index + 1];
  if (value !== undefined && path.isAbsolute(value)) return value;
  process.stderr.write('usage: keeper --state DIRECTORY (an absolute path)\n');
  return process.exit(64);
}

/** Held until the process ends. */
function takeLock(state: string): void {
  const fd = fs.openSync(
    path.join(state, 'keeper.lock'),
    fs.constants.O_RDWR | fs.constants.O_CREAT | O.CLOEXEC,
    0o600,
  );
  if (!tryLock(fd)) process.exit(ALREADY_RUNNING);
  fs.ftruncateSync(fd);
  fs.writeSync(fd, `${process.pid}\n`);
}

function softFileLimit(): bigint | undefined {
  const text = process.env.CRIB_NOFILE_SOFT;
  return text !== undefined && /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
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
  takeLock(state);
  process.chdir('/');
  becomeSubreaper();

  const connections = new Set<Connection>();
  const core = new KeeperCore(state, new Children(softFileLimit()), log, (container) => {
    for (const connection of connections) connection.exited(container);
  });
  await core.load();
  const idle = new IdleRelease(IDLE_MS);
  const server = net.createServer((socket) => {
    socket.on('data', () => idle.touch());
    const connection = new Connection(socket, core, () => process.exit(0));
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  await listen(server, state);
  log.info({ pid: process.pid, state, containers: core.list().length }, 'keeper is ready');
  idle.touch();
}

/** The lock says that whatever socket lies there is nobody's. It is bound by a short name (sun_path), private, then renamed. */
async function listen(server: net.Server, state: string): Promise<void> {
  const file = path.join(state, 'keeper.sock');
  const directory = fs.openSync(state, O.PATH | O.DIRECTORY | O.CLOEXEC);
  const fresh = `${file}.new`;
  fs.rmSync(fresh, { force: true });
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(`/proc/self/fd/${directory}/keeper.sock.new`, resolve);
    });
  } finally {
    process.umask(mask);
    fs.closeSync(directory);
  }
  fs.renameSync(fresh, file);
}

await main();
