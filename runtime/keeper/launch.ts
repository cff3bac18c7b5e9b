/** Starting a keeper process that outlives its starter. */

import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { failpointsEnvironment } from '../failpoints.js';
import { O } from '../linux/constants.js';

const MAX_LOG_BYTES = 1024 * 1024;

/** What new processes get where nobody says otherwise (systemd's DefaultLimitNOFILE): crib's own Node has raised its. */
const DEFAULT_SOFT_FILES = '1024';

/** Keeps the heap of a process that runs for months small; its buffers lie outside of it. */
const V8_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=96', '--v8-pool-size=0'];

/** Starts `keeperPath` in a session of its own. When another one has the lock it ends by itself. */
export function launchKeeper(state: string, keeperPath: string): ChildProcess {
  fs.mkdirSync(state, { recursive: true, mode: 0o711 });
  const log = openLog(path.join(state, 'keeper.log'));
  try {
    const child = spawn(process.execPath, [...V8_FLAGS, keeperPath, '--state', state], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log, log],
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
  }
}

function openLog(file: string): number {
  const flags = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | O.NOFOLLOW | O.CLOEXEC;
  const fd = fs.openSync(file, flags, 0o600);
  if (fs.fstatSync(fd).size > MAX_LOG_BYTES) fs.ftruncateSync(fd);
  return fd;
}
