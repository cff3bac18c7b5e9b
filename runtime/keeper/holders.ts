/**
 * Duplicates of the keeper's descriptors in other processes: as long as one of them has a terminal's master open, its
 * container is not hung up when the keeper dies, and what lies in a FIFO is not lost. The next keeper gets them back.
 */

import fs from 'node:fs';
import { MAX_DESCRIPTORS, sendDescriptors } from '../linux/sockets.js';
import { DESCRIPTOR_NAMES, type DescriptorName, type Descriptors } from './handover.js';

/** Somebody who holds duplicates. Neither call throws: a holder that fails is one less. */
export interface Holder {
  /** `descriptors` is asked when they are sent, which may be later: of a container that has ended meanwhile fewer are open. */
  give(id: string, descriptors: () => Descriptors): void;
  /** Of a container: all, or those of `names`. Until a holder has closed stdin its reader sees no end of it. */
  drop(id: string, names?: readonly DescriptorName[]): void;
}

/** All of them. */
export class Holders implements Holder {
  readonly #holders = new Set<Holder>();

  add(holder: Holder): void {
    this.#holders.add(holder);
  }

  remove(holder: Holder): void {
    this.#holders.delete(holder);
  }

  give(id: string, descriptors: () => Descriptors): void {
    if (Object.keys(descriptors()).length === 0) return;
    for (const holder of this.#holders) holder.give(id, descriptors);
  }

  drop(id: string, names?: readonly DescriptorName[]): void {
    for (const holder of this.#holders) holder.drop(id, names);
  }
}

/** What a message on a holding socket says; the descriptors of `give` come with it, in its order. */
export type HoldMessage =
  | { readonly give: readonly (readonly [id: string, names: readonly DescriptorName[]])[] }
  | { readonly drop: string; readonly names?: readonly DescriptorName[] };

/** Of one message, which then has fewer bytes than its receiver has room for. */
const MAX_GIVEN = 100;

export interface Given {
  readonly id: string;
  readonly descriptors: () => Descriptors;
}

type Drop = Extract<HoldMessage, { drop: string }>;

/**
 * A client that holds them: it gets SCM_RIGHTS messages on a socket of its own. They lie in the kernel until the client
 * takes them, which counts as holding; what that has no room for waits here.
 */
export class ClientHolder implements Holder {
  readonly #socket: number;
  readonly #onSent: () => void;
  #waiting: (Given | Drop)[] = [];
  #closed = false;

  /** Owns `socket`, of messages and non-blocking. `onSent` tells the client to look. */
  constructor(socket: number, onSent: () => void) {
    this.#socket = socket;
    this.#onSent = onSent;
  }

  get descriptor(): number {
    return this.#socket;
  }

  give(id: string, descriptors: () => Descriptors): void {
    this.giveAll([{ id, descriptors }]);
  }

  /** As many containers in one message as it takes. */
  giveAll(all: readonly Given[]): void {
    this.#waiting.push(...all);
    this.flush();
  }

  drop(id: string, names?: readonly DescriptorName[]): void {
    this.#waiting = this.#waiting.flatMap((waiting) => {
      if ('drop' in waiting || waiting.id !== id) return [waiting];
      return names === undefined ? [] : [{ id, descriptors: () => without(waiting.descriptors(), names) }];
    });
    this.#waiting.push(names === undefined ? { drop: id } : { drop: id, names });
    this.flush();
  }

  /** Sends what waits. False: there is no room for the rest. */
  flush(): boolean {
    let sent = 0;
    try {
      while (!this.#closed && this.#waiting.length > 0) {
        const { count, message, descriptors } = nextMessage(this.#waiting);
        if (message === undefined) {
          this.#waiting.splice(0, count);
          continue;
        }
        if (!sendDescriptors(this.#socket, Buffer.from(JSON.stringify(message)), descriptors)) break;
        this.#waiting.splice(0, count);
        sent++;
      }
    } catch {
      this.close(); // EPIPE: the client has gone
    }
    if (sent > 0) this.#onSent();
    return this.#waiting.length === 0;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = [];
    fs.closeSync(this.#socket);
  }
}

function without(descriptors: Descriptors, names: readonly DescriptorName[]): Descriptors {
  return Object.fromEntries(Object.entries(descriptors).filter(([name]) => !names.some((gone) => gone === name)));
}

interface Next {
  /** How many of what waits it is made of. */
  readonly count: number;
  /** undefined: of those nothing is open any more. */
  readonly message: HoldMessage | undefined;
  readonly descriptors: readonly number[];
}

/** The first of what waits, with those gifts behind it that one message has room for. */
function nextMessage(waiting: readonly (Given | Drop)[]): Next {
  const give: (readonly [string, readonly DescriptorName[]])[] = [];
  const descriptors: number[] = [];
  let count = 0;
  for (const next of waiting) {
    if ('drop' in next) {
      if (count === 0) return { count: 1, message: next, descriptors };
      break;
    }
    const open = next.descriptors();
    const names = DESCRIPTOR_NAMES.filter((name) => open[name] !== undefined);
    if (descriptors.length + names.length > MAX_DESCRIPTORS || give.length === MAX_GIVEN) break;
    count++;
    if (names.length > 0) give.push([next.id, names]);
    for (const name of names) descriptors.push(open[name] ?? -1);
  }
  return { count, message: give.length === 0 ? undefined : { give }, descriptors };
}
