/**
 * The keeper becomes another program by execve(2), with the same pid, children and descriptors. First everything that can
 * be stands still: requests wait unread in their sockets, output in its FIFO. What cannot stand still (a create, a write
 * to a log) is waited for; if that takes too long the upgrade is called off, and all goes on as before. Then, in one turn
 * of the event loop, what is only in memory goes into a memory file whose descriptor the next program is told.
 */

import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CribError, messageOf } from '../errors.js';
import { replaceProgram, setCloseOnExec } from '../linux/programs.js';
import { type Children, childEnd } from './children.js';
import { descriptorsOf, HANDOVER_VERSION, type Handover, writeHandover } from './handover.js';
import type { KeeperProgram } from './protocol.js';

/** A kubelet's probe waits at least a second; it must not fail because of this. */
const STILL_TIMEOUT_MS = 800;
const POLL_MS = 2;
/** Node starts in a twentieth of that. */
const CHECK_TIMEOUT_MS = 10_000;

/** What is to stand still. */
export interface Upgradable {
  readonly state: string;
  readonly children: Children;
  freeze(): void;
  thaw(): void;
  readonly isStill: boolean;
  /** To be called when it is still. */
  handover(): Handover;
}

/** Rejects when this process stays what it is: ABORTED when it did not come to a standstill, else what failed. */
export async function upgrade(keeper: Upgradable, next: KeeperProgram): Promise<never> {
  await check(keeper.children, next);
  keeper.freeze();
  try {
    const deadline = performance.now() + STILL_TIMEOUT_MS;
    do {
      // Also before the first look: the check's own exit may be told in the middle of others that libuv has reaped with it.
      await sleep(POLL_MS);
      if (keeper.isStill) return become(keeper, next);
    } while (performance.now() < deadline);
    throw new CribError('ABORTED', `the keeper did not come to a standstill within ${STILL_TIMEOUT_MS} ms`);
  } finally {
    keeper.thaw();
  }
}

/** A program that does not start, or that cannot read what is handed over, must not get it: there is no way back. */
async function check(children: Children, { program, flags, main }: KeeperProgram): Promise<void> {
  const argv = [program, ...flags, main, '--accepts', String(HANDOVER_VERSION)];
  const child = children.spawn(argv, environment(), ['ignore', 'ignore', 'ignore']);
  const { exitCode } = await childEnd(child, CHECK_TIMEOUT_MS).catch((error: unknown) => {
    throw new CribError('FAILED_PRECONDITION', `starting ${program}: ${messageOf(error)}`, { cause: error });
  });
  if (exitCode === 0) return;
  const message = `${main} accepts no handover of version ${HANDOVER_VERSION}: its exit code is ${exitCode}`;
  throw new CribError('FAILED_PRECONDITION', message);
}

function become(keeper: Upgradable, { program, flags, main }: KeeperProgram): never {
  const handover = keeper.handover();
  const file = writeHandover(handover);
  const passed = [0, 1, 2, file, ...descriptorsOf(handover)];
  for (const fd of passed) setCloseOnExec(fd, false);
  try {
    const argv = [program, ...flags, main, '--state', keeper.state, '--handover', String(file)];
    return replaceProgram(program, argv, process.env);
  } finally {
    for (const fd of passed) setCloseOnExec(fd, true);
    fs.closeSync(file);
  }
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
