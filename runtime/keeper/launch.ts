/** Starting a keeper process that outlives its starter. */

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { failpointsEnvironment } from '../failpoints.js';
import { O } from '../linux/constants.js';
import { DEFAULT_SOFT_FILES } from '../linux/open-files.js';
import { DESCRIPTOR_NAMES, type Descriptors, HANDOVER_VERSION, writeHandover } from './handover.js';

const MAX_LOG_BYTES = 1024 * 1024;

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

/**
 * Descriptors in the order in which the keeper has them behind the handover, which names them by their numbers there. They
 * stay in the order that they have here: else libuv's child would first need a duplicate of each that another is put over,
 * and thousands of them twice are more than may be open.
 */
function inheriting(held: ReadonlyMap<string, Descriptors>): { handover: number | undefined; inherited: number[] } {
  const all = [...held].flatMap(([id, descriptors]) =>
    DESCRIPTOR_NAMES.flatMap((name) => {
      const fd = descriptors[name];
      return fd === undefined ? [] : [{ id, name, fd }];
    }),
  );
  if (all.length === 0) return { handover: undefined, inherited: [] };
  all.sort((one, other) => one.fd - other.fd);
  const renumbered = new Map<string, Descriptors>();
  for (const [index, { id, name }] of all.entries()) {
    renumbered.set(id, { ...renumbered.get(id), [name]: HANDOVER_FD + 1 + index });
  }
  const containers = [...renumbered].map(([id, descriptors]) => ({ id, descriptors }));
  return { handover: writeHandover({ version: HANDOVER_VERSION, containers }), inherited: all.map(({ fd }) => fd) };
}

function openLog(file: string): number {
  const flags = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | O.NOFOLLOW | O.CLOEXEC;
  const fd = fs.openSync(file, flags, 0o600);
  if (fs.fstatSync(fd).size > MAX_LOG_BYTES) fs.ftruncateSync(fd);
  return fd;
}
