/** cribd's share in what a dead keeper leaves: duplicates of its descriptors, by container, for the next one. */

import fs from 'node:fs';
import path from 'node:path';
import { O } from '../linux/constants.js';
import { acceptUnix, listenUnix, receiveDescriptors } from '../linux/sockets.js';
import { isObject } from './frames.js';
import { closeDescriptors, DESCRIPTOR_NAMES, type DescriptorName, type Descriptors } from './handover.js';

export class HeldDescriptors {
  readonly #state: string;
  #held = new Map<string, Descriptors>();
  #socket: number | undefined;

  /** `state`: the keeper's directory; a socket lies there while a keeper is being joined. */
  constructor(state: string) {
    this.#state = state;
  }

  get held(): ReadonlyMap<string, Descriptors> {
    return this.#held;
  }

  /**
   * Has a keeper send duplicates of all that it has, then of what comes to it. `ask` gives it the path of a socket, and
   * nothing when it is only to go on; false: there is more. What was held before is held until then.
   */
  async join(ask: (path?: string) => Promise<boolean>): Promise<void> {
    const name = `holds-${process.pid}.sock`;
    const directory = fs.openSync(this.#state, O.PATH | O.DIRECTORY | O.CLOEXEC);
    const remove = () => fs.rmSync(path.join(this.#state, name), { force: true });
    let listener: number | undefined;
    try {
      remove();
      listener = listenUnix(`/proc/self/fd/${directory}/${name}`, 'packets');
      let whole = await ask(`/proc/${process.pid}/fd/${directory}/${name}`);
      const before = this.#replace(acceptUnix(listener));
      while (!whole) whole = await ask();
      this.drain();
      for (const descriptors of before.values()) closeDescriptors(descriptors);
    } finally {
      if (listener !== undefined) fs.closeSync(listener);
      remove();
      fs.closeSync(directory);
    }
  }

  /** Takes what has arrived. */
  drain(): void {
    while (this.#socket !== undefined) {
      const message = receiveDescriptors(this.#socket);
      if (message === undefined) return;
      if (message.data.length === 0) this.#hangUp();
      else this.#apply(JSON.parse(message.data.toString('utf8')), message.descriptors);
    }
  }

  /** Lets go of everything. */
  close(): void {
    this.#hangUp();
    for (const descriptors of this.#held.values()) closeDescriptors(descriptors);
    this.#held.clear();
  }

  #replace(socket: number | undefined): Map<string, Descriptors> {
    this.#hangUp();
    const before = this.#held;
    this.#held = new Map();
    this.#socket = socket;
    this.drain();
    return before;
  }

  #hangUp(): void {
    if (this.#socket !== undefined) fs.closeSync(this.#socket);
    this.#socket = undefined;
  }

  #apply(message: unknown, passed: readonly number[]): void {
    const left = [...passed];
    if (isObject(message) && Array.isArray(message.give)) {
      for (const [id, names] of message.give) {
        const descriptors: Descriptors = {};
        for (const name of namesIn(names)) {
          const fd = left.shift();
          if (fd !== undefined) descriptors[name] = fd;
        }
        this.#drop(String(id), DESCRIPTOR_NAMES);
        this.#held.set(String(id), descriptors);
      }
    }
    if (isObject(message) && typeof message.drop === 'string') {
      this.#drop(message.drop, message.names === undefined ? DESCRIPTOR_NAMES : namesIn(message.names));
    }
    for (const fd of left) fs.closeSync(fd);
  }

  #drop(id: string, names: readonly DescriptorName[]): void {
    const descriptors = this.#held.get(id);
    if (descriptors === undefined) return;
    for (const name of names) {
      const fd = descriptors[name];
      if (fd !== undefined) fs.closeSync(fd);
      delete descriptors[name];
    }
    if (Object.keys(descriptors).length === 0) this.#held.delete(id);
  }
}

function namesIn(value: unknown): DescriptorName[] {
  return Array.isArray(value) ? value.filter((name) => DESCRIPTOR_NAMES.includes(name)) : [];
}
