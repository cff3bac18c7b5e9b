/**
 * systemd as a holder (its file descriptor store, sd_pid_notify_with_fds(3)): a third place, for when cribd dies with
 * the keeper. A keeper that runs as a unit with FileDescriptorStoreMax= is started again with what is stored there.
 */

import fs from 'node:fs';
import { errnoName } from '../linux/libc.js';
import { setCloseOnExec } from '../linux/programs.js';
import { connectUnix, sendDescriptors } from '../linux/sockets.js';
import { DESCRIPTOR_NAMES, type DescriptorName, type Descriptors, type HandedContainer } from './handover.js';
import type { Holder } from './holders.js';

/** The first one that is passed (sd_listen_fds(3)). */
const FIRST_FD = 3;
const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 1000;
/** A service manager that reads nothing for so long that this much waits is given up. */
const MAX_WAITING = 100_000;

interface Notification {
  readonly text: string;
  /** Goes along; undefined: it was closed meanwhile, and so there is nothing to tell. */
  readonly descriptor?: () => number | undefined;
}

/**
 * A datagram for each descriptor, in order: its receiver has room for few of them (net.unix.max_dgram_qlen), and the rest
 * waits here. Of one name only what was said last is sent.
 */
export class FdStore implements Holder {
  readonly #path: string;
  #socket: number | undefined;
  readonly #waiting = new Map<string, Notification>();
  #retry: NodeJS.Timeout | undefined;
  #delay = FIRST_RETRY_MS;
  #closed = false;

  /** `path`: NOTIFY_SOCKET; a leading `@` names an abstract one. Throws when nobody listens there. */
  constructor(path: string) {
    this.#path = path;
    this.#socket = connectUnix(path, 'datagrams');
  }

  /** Tells the service manager that clients are let in. */
  ready(): void {
    this.#tell('', { text: `READY=1\nMAINPID=${process.pid}` });
  }

  give(id: string, descriptors: () => Descriptors): void {
    for (const name of DESCRIPTOR_NAMES) {
      if (descriptors()[name] === undefined) continue;
      // Without FDPOLL=0 a pidfd is thrown away when its process has ended: just when it is needed.
      const text = `FDSTORE=1\nFDPOLL=0\nFDNAME=${id}.${name}`;
      this.#tell(`${id}.${name}`, { text, descriptor: () => descriptors()[name] });
    }
  }

  drop(id: string, names: readonly DescriptorName[] = DESCRIPTOR_NAMES): void {
    for (const name of names) this.#tell(`${id}.${name}`, { text: `FDSTOREREMOVE=1\nFDNAME=${id}.${name}` });
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
    clearTimeout(this.#retry);
    this.#hangUp();
  }

  #tell(name: string, notification: Notification): void {
    if (this.#closed) return;
    this.#waiting.delete(name); // to the end
    if (this.#waiting.size >= MAX_WAITING) this.#waiting.clear();
    this.#waiting.set(name, notification);
    if (this.#retry === undefined) this.#flush();
  }

  #flush(): void {
    for (const [name, notification] of this.#waiting) {
      if (!this.#send(notification)) {
        this.#again();
        return;
      }
      this.#waiting.delete(name);
      this.#delay = FIRST_RETRY_MS;
    }
  }

  #again(): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, this.#delay);
    this.#retry.unref();
    this.#delay = Math.min(this.#delay * 2, LONGEST_RETRY_MS);
  }

  /** False: not now. A service manager that has gone is waited for. */
  #send({ text, descriptor }: Notification): boolean {
    const fd = descriptor?.();
    if (descriptor !== undefined && fd === undefined) return true;
    try {
      this.#socket ??= connectUnix(this.#path, 'datagrams');
      return sendDescriptors(this.#socket, Buffer.from(text), fd === undefined ? [] : [fd]);
    } catch {
      this.#hangUp(); // ECONNREFUSED: what listens there now is another socket
      return false;
    }
  }

  #hangUp(): void {
    if (this.#socket !== undefined) fs.closeSync(this.#socket);
    this.#socket = undefined;
  }
}

/** What the service manager passes to this process, by container; it is taken out of `env`. What nobody named is closed. */
export function takeStored(env: NodeJS.ProcessEnv): HandedContainer[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count = '', LISTEN_FDNAMES: text = '' } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_PIDFDID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  if (pid !== String(process.pid) || !/^\d{1,6}$/.test(count)) return [];
  const found = new Map<string, Descriptors>();
  const names = text.split(':');
  for (let index = 0; index < Number(count); index++) {
    const fd = FIRST_FD + index;
    const [, id, name] = /^(.+)\.([a-z]+)$/.exec(names[index] ?? '') ?? [];
    const known = DESCRIPTOR_NAMES.find((one) => one === name);
    if (id === undefined || known === undefined || found.get(id)?.[known] !== undefined) {
      closeIfOpen(fd);
      continue;
    }
    setCloseOnExec(fd, true);
    found.set(id, { ...found.get(id), [known]: fd });
  }
  return [...found].map(([id, descriptors]) => ({ id, descriptors }));
}

function closeIfOpen(fd: number): void {
  try {
    fs.closeSync(fd);
  } catch (error) {
    if (errnoName(error) !== 'EBADF') throw error;
  }
}
