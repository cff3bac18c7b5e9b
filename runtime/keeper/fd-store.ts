/**
 * systemd as a holder (its file descriptor store, sd_pid_notify_with_fds(3)): a third place, for when cribd dies with
 * the keeper. A keeper that runs as a unit with FileDescriptorStoreMax= is started again with what is stored there.
 */

import fs from 'node:fs';
import { setCloseOnExec } from '../linux/programs.js';
import { connectUnix, sendDescriptors } from '../linux/sockets.js';
import { DESCRIPTOR_NAMES, type DescriptorName, type Descriptors, type HandedContainer } from './handover.js';
import type { Holder } from './holders.js';

/** The first one that is passed (sd_listen_fds(3)). */
const FIRST_FD = 3;

export class FdStore implements Holder {
  readonly #socket: number;

  /** `path`: NOTIFY_SOCKET; a leading `@` names an abstract one. Throws when nobody listens there. */
  constructor(path: string) {
    this.#socket = connectUnix(path, 'datagrams');
  }

  /** Tells the service manager that clients are let in. */
  ready(): void {
    this.#notify(`READY=1\nMAINPID=${process.pid}`, []);
  }

  give(id: string, descriptors: Descriptors): void {
    for (const name of DESCRIPTOR_NAMES) {
      const fd = descriptors[name];
      // Without FDPOLL=0 a pidfd is thrown away when its process has ended: just when it is needed.
      if (fd !== undefined) this.#notify(`FDSTORE=1\nFDPOLL=0\nFDNAME=${id}.${name}`, [fd]);
    }
  }

  drop(id: string, names: readonly DescriptorName[] = DESCRIPTOR_NAMES): void {
    for (const name of names) this.#notify(`FDSTOREREMOVE=1\nFDNAME=${id}.${name}`, []);
  }

  close(): void {
    fs.closeSync(this.#socket);
  }

  /** A service manager that takes nothing now holds nothing: that is no error. */
  #notify(text: string, descriptors: readonly number[]): void {
    try {
      sendDescriptors(this.#socket, Buffer.from(text), descriptors);
    } catch {
      // it is restarting
    }
  }
}

/** What the service manager passes to this process, by container; it is taken out of `env`. What nobody named is closed. */
export function takeStored(env: NodeJS.ProcessEnv): HandedContainer[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: text = '' } = env;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  if (pid !== String(process.pid)) return [];
  const found = new Map<string, Descriptors>();
  const names = text.split(':');
  for (let index = 0; index < Number(count); index++) {
    const fd = FIRST_FD + index;
    const [, id, name] = /^(.+)\.([a-z]+)$/.exec(names[index] ?? '') ?? [];
    const known = DESCRIPTOR_NAMES.find((one) => one === name);
    if (id === undefined || known === undefined || found.get(id)?.[known] !== undefined) {
      fs.closeSync(fd);
      continue;
    }
    setCloseOnExec(fd, true);
    found.set(id, { ...found.get(id), [known]: fd });
  }
  return [...found].map(([id, descriptors]) => ({ id, descriptors }));
}
