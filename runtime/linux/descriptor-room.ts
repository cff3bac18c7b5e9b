/**
 * Room in this process's table of descriptors (RLIMIT_NOFILE). What is new asks for it before it opens anything, and is
 * refused while there is still a reserve: for what goes on already, whose exits are recorded, whose logs are rotated, and
 * whose clients connect again.
 */

import fs from 'node:fs';
import { CribError } from '../errors.js';
import { RLIMIT_NOFILE } from './constants.js';
import { errnoName } from './libc.js';
import { resourceLimit } from './processes.js';

/** For calls that are short and many at once: libuv's threads, accepted connections, programs being started. */
const RESERVE = 128;

export class DescriptorRoom {
  /** Up to here new ones are let in; before the first count nobody knows. */
  #most = -1;
  #limit = 0;
  /** At least as many as are open: what was let in since the last count is not taken off when it ends. */
  #known = 0;
  /** Of those who have asked and are not done with opening. */
  #promised = 0;

  /**
   * Lets in who is to open `wanted` descriptors, and calls what is returned when they are open or will not be. Throws
   * RESOURCE_EXHAUSTED, which names `what` was to be done. Mostly it counts nothing.
   */
  take(wanted: number, what: string): () => void {
    if (this.#known + wanted > this.#most) this.#count();
    if (this.#known + wanted > this.#most) {
      const message = `${what}: ${this.#known} of ${this.#limit} descriptors are in use (RLIMIT_NOFILE) and the rest is kept for what runs`;
      throw new CribError('RESOURCE_EXHAUSTED', message);
    }
    this.#known += wanted;
    this.#promised += wanted;
    let open = false;
    return () => {
      if (!open) this.#promised -= wanted;
      open = true;
    };
  }

  #count(): void {
    this.#limit = Number(resourceLimit(RLIMIT_NOFILE).soft);
    this.#most = this.#limit - Math.min(RESERVE, Math.ceil(this.#limit / 4));
    this.#known = openDescriptors() + this.#promised;
  }
}

/** How many this process has open. Since Linux 6.2 the directory's size tells (proc_pid_fd(5)). */
export function openDescriptors(): number {
  const { size } = fs.statSync('/proc/self/fd');
  if (size > 0) return size;
  try {
    return fs.readdirSync('/proc/self/fd').length;
  } catch (error) {
    if (errnoName(error) === 'EMFILE' || errnoName(error) === 'ENFILE') return Number.MAX_SAFE_INTEGER;
    throw error;
  }
}

/** The process has one table. */
export const descriptorRoom = new DescriptorRoom();
