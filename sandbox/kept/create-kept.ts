/** One container of the keeper's, whatever runtime makes it. */

import path from 'node:path';
import { messageOf } from '../../runtime/errors.js';
import type { Keeper, KeptContainer, KeptStdio, KeptWatch } from '../../runtime/keeper/protocol.js';
import { descriptorRoom } from '../../runtime/linux/descriptor-room.js';
import type { Log } from '../../runtime/log.js';
import { removeCopies, withCopiesIn } from '../../runtime/oci/environment.js';
import type { ContainerRecord } from '../container-record.js';
import { ownerOf } from '../pod/owners.js';

const CREATE_TIMEOUT_MS = 120_000;
/** This process holds duplicates of the keeper's, up to four, and has a few files open on the way. */
const DESCRIPTORS = 8;
/** Longest line of a container's log, in bytes, before it is split (containerd's max_container_log_line_size). */
const LOG_LINE_MAX = 16 * 1024;

export interface KeptRequest {
  readonly id: string;
  readonly bundle: string;
  readonly createArgv: readonly string[];
  readonly stdio: KeptStdio;
  readonly cgroupDirs: readonly string[];
  readonly watch?: KeptWatch;
}

/** Creates and starts `bundle`. Throws what the runtime says, after `clear`; what that cannot clear goes with the container. */
export async function createKept(
  { keeper, log }: { readonly keeper: Keeper; readonly log: Log },
  request: KeptRequest,
  clear: () => Promise<void>,
): Promise<KeptContainer> {
  const { id, bundle, ...rest } = request;
  const held = descriptorRoom.take(DESCRIPTORS, `creating container ${id}`);
  try {
    return await keeper.create({
      ...rest,
      id,
      directory: path.join(bundle, 'io'),
      env: withCopiesIn(bundle),
      runtimeLog: runtimeLog(bundle),
      createTimeoutMs: CREATE_TIMEOUT_MS,
    });
  } catch (error) {
    removeCopies(bundle);
    // The keeper may have died, and the runtime goes on for a moment.
    await clear().catch((failure: unknown) => {
      log.warn({ id, error: messageOf(failure) }, 'a container that was not created is not cleared away yet');
    });
    throw error;
  } finally {
    held();
  }
}

/** The runtime's log of a bundle. */
export function runtimeLog(bundle: string): string {
  return path.join(bundle, 'runtime.log');
}

/** The stdio that a container asks for. */
export function stdioOf(container: ContainerRecord): KeptStdio {
  const { tty, stdin, stdinOnce } = container.config;
  return { tty, stdin, stdinOnce, ...ownerOf(container), logPath: container.logPath, maxLineBytes: LOG_LINE_MAX };
}

/** For a process that serves the pod itself: nothing to read, and what it writes is thrown away. */
export function silentStdio(owner: { readonly uid: number; readonly gid: number }): KeptStdio {
  return { tty: false, stdin: false, stdinOnce: false, ...owner, logPath: '', maxLineBytes: LOG_LINE_MAX };
}
