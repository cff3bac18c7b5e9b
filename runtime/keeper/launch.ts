/** Starting a keeper process that outlives its starter. */

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { failpointsEnvironment } from '../failpoints.js';
import { O } from '../linux/constants.js';
import { DESCRIPTOR_NAMES, type Descriptors, HANDOVER_VERSION, writeHandover } from './handover.js';

const MAX_LOG_BYTES = 1024 * 1024;

/** What new processes get where nobody says otherwise (systemd's DefaultLimitNOFILE): crib's own Node has raised its. */
const DEFAULT_SOFT_FILES = '1024';

/** Keeps the heap of a process that runs for months small; its buffers lie outside of it. */
export const V8_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=96', '--v8-pool-size=0'];

/** The first descriptor behind the standard ones that the keeper inherits, and the one that says what they are. */
const HANDOVER_FD = 3;

/**
 * Starts `keeperPath` in a session of its own. When another one has the lock it ends by itself. `held`: descriptors that
 * it inherits, by container.
 */
export function launchKeeper(
  state: string,
  keeperPath: string,
  held: ReadonlyMap<string, Descriptors> = new Map(),
): ChildProcess {
  fs.mkdirSync(state, { recursive: true, mode: 0o711 });
  const log = openLog(path.join(state, 'keeper.log'));
  const { handover, inherited } = inheriting(held);
  const argv = ['--state', state, ...(handover === undefined ? [] : ['--handover', String(HANDOVER_FD)])];
  try {
    const child = spawn(process.execPath, [...V8_FLAGS, keeperPath, ...argv], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log, log, ...(handover === undefined ? [] : [handover]), ...inherited],
      env: {
        PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        CRIB_NOFILE_SOFT: process.env.CRIB_NOFILE_SOFT ?? DEFAULT_SOFT_FILES,
        UV_THREADPOOL_SIZE: '16',
        MALLOC_ARENA_MAX: '1',
        ...failpointsEnvironment(),
      },
    });
    child.on('error', () => undefined); // the caller finds that nobody answers
    child.unref();
    return child;
  } finally {
    fs.closeSync(log);
    if (handover !== undefined) fs.closeSync(handover);
  }
}

/** Descriptors in the order in which the keeper has them behind the handover, which names them by their numbers there. */
function inheriting(held: ReadonlyMap<string, Descriptors>): { handover: number | undefined; inherited: number[] } {
  const inherited: number[] = [];
  const containers = [...held].map(([id, descriptors]) => {
    const renumbered: Descriptors = {};
    for (const name of DESCRIPTOR_NAMES) {
      const fd = descriptors[name];
      if (fd !== undefined) renumbered[name] = HANDOVER_FD + inherited.push(fd);
    }
    return { id, descriptors: renumbered };
  });
  if (containers.length === 0) return { handover: undefined, inherited };
  return { handover: writeHandover({ version: HANDOVER_VERSION, containers }), inherited };
}

function openLog(file: string): number {
  const flags = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | O.NOFOLLOW | O.CLOEXEC;
  const fd = fs.openSync(file, flags, 0o600);
  if (fs.fstatSync(fd).size > MAX_LOG_BYTES) fs.ftruncateSync(fd);
  return fd;
}
