/**
 * What a new keeper process begins with: descriptors that are open in it, and what is known of them, as JSON in a memory
 * file. One comes from cribd, which held duplicates while a keeper died, or from systemd's store; another from the
 * keeper itself, which has become a newer program in place, and then holds all that it had in memory.
 */

import fs from 'node:fs';
import { memoryFile, setCloseOnExec } from '../linux/programs.js';
import { isObject } from './frames.js';
import type { KeptExit, KeptInnerKill } from './protocol.js';

/** Raised when a newer keeper could not read what an older one hands over; see `--accepts` in main.ts. */
export const HANDOVER_VERSION = 1;

/** The keeper's descriptors of a container. `terminal` is a master; `stdin` a writer. */
export const DESCRIPTOR_NAMES = ['pidfd', 'stdin', 'stdout', 'stderr', 'terminal'] as const;
export type DescriptorName = (typeof DESCRIPTOR_NAMES)[number];
export type Descriptors = Partial<Record<DescriptorName, number>>;

export interface Handover {
  readonly version: number;
  readonly containers: readonly HandedContainer[];
  /** Of the process itself; undefined: the one that had it died. */
  readonly keeper?: KeeperMemory;
}

export interface HandedContainer {
  readonly id: string;
  readonly descriptors: Descriptors;
  /** undefined: it died with the keeper. */
  readonly memory?: ContainerMemory;
}

/** Bytes are base64. */
export interface ContainerMemory {
  /** Beginnings of lines whose ends have not been read. */
  readonly stdout: string;
  readonly stderr: string;
  readonly log: LogMemory | undefined;
  /** It was seen and not recorded yet. */
  readonly exit: KeptExit | undefined;
  /** The command that waits for its exit, where one does: the next program runs it again. */
  readonly watcher: number | undefined;
}

export interface LogMemory {
  /** undefined: it could not be opened. */
  readonly fd: number | undefined;
  /** Lines that are not written yet. */
  readonly waiting: string;
  readonly dropped: number;
}

export interface KeeperMemory {
  readonly lock: number;
  readonly listener: number;
  readonly connections: readonly ConnectionMemory[];
}

export interface ConnectionMemory {
  readonly socket: number;
  readonly greeted: boolean;
  /** It asked for the upgrade, and is told of the end of it. */
  readonly upgrading: boolean;
  /** What was read and not handled. */
  readonly unread: string;
  /** Where its client's duplicates are sent. */
  readonly hold: number | undefined;
  readonly lasting: readonly LastingMemory[];
}

/** Requests that go on; `id` is the client's. */
export type LastingMemory =
  | ({ readonly kind: 'session'; readonly id: number } & SessionMemory)
  | ({ readonly kind: 'attach'; readonly id: number } & AttachmentMemory)
  | ({ readonly kind: 'exec'; readonly id: number } & ExecMemory);

export interface SessionMemory {
  readonly pid: number;
  readonly innerKill: KeptInnerKill | undefined;
}

export interface AttachmentMemory {
  readonly container: string;
  readonly pipes: { readonly stdin?: number; readonly stdout?: number; readonly stderr?: number };
}

export interface ExecMemory {
  readonly pid: number;
  readonly pidFile: string;
  readonly innerKill: KeptInnerKill | undefined;
  /** Milliseconds of the monotonic clock (process.hrtime); 0: none. */
  readonly deadline: number;
  readonly stdout: PipeMemory | undefined;
  readonly stderr: PipeMemory | undefined;
}

export interface PipeMemory {
  readonly fd: number;
  /** Bytes that are still kept of it. */
  readonly left: number;
}

/** Writes a handover into a memory file. The caller closes it. */
export function writeHandover(handover: Handover): number {
  const fd = memoryFile('crib-keeper-handover');
  const text = Buffer.from(JSON.stringify(handover));
  for (let at = 0; at < text.length; ) at += fs.writeSync(fd, text, at);
  return fd;
}

/** Reads and closes the memory file `fd`, and makes all that was handed over close-on-exec. Throws when it is none. */
export function takeHandover(fd: number): Handover {
  try {
    const text = Buffer.alloc(fs.fstatSync(fd).size);
    fs.readSync(fd, text, 0, text.length, 0);
    const value: unknown = JSON.parse(text.toString('utf8'));
    if (!isHandover(value)) throw new Error(`descriptor ${fd} holds no handover of version ${HANDOVER_VERSION}`);
    for (const handed of descriptorsOf(value)) setCloseOnExec(handed, true);
    return value;
  } finally {
    fs.closeSync(fd);
  }
}

/** The writer is another version of this file: what is inside is taken at its word. */
function isHandover(value: unknown): value is Handover {
  return isObject(value) && value.version === HANDOVER_VERSION && Array.isArray(value.containers);
}

/** Every descriptor in it. */
export function descriptorsOf({ containers, keeper }: Handover): number[] {
  const found: (number | undefined)[] = [];
  for (const { descriptors, memory } of containers) found.push(...Object.values(descriptors), memory?.log?.fd);
  if (keeper !== undefined) {
    found.push(keeper.lock, keeper.listener);
    for (const { socket, hold, lasting } of keeper.connections) found.push(socket, hold, ...lasting.flatMap(pipesOf));
  }
  return found.filter((fd) => fd !== undefined);
}

function pipesOf(lasting: LastingMemory): (number | undefined)[] {
  if (lasting.kind === 'attach') return Object.values(lasting.pipes);
  return lasting.kind === 'exec' ? [lasting.stdout?.fd, lasting.stderr?.fd] : [];
}

/** Closes what was handed over for a container. */
export function closeDescriptors(descriptors: Descriptors): void {
  for (const fd of Object.values(descriptors)) fs.closeSync(fd);
}
