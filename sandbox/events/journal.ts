/**
 * Events on disk, so that those which nobody has taken yet outlive cribd. Appended without a sync: kill -9 loses
 * nothing that was written, and what was not is found at start-up, by comparing with the records.
 *
 * Two files, of which the older one is dropped when the newer one is full: that bounds both them and the work.
 * One line each, in the order in which it happened:
 * ```
 * E <seq> <type> <container> <pod> <JSON>   an event
 * T <seq> <last>                            a subscriber has taken all events up to seq, of those up to last
 * K <type> <id> <pod>                       at the beginning of a file: the last event of an object, before it
 * ```
 */

import fs from 'node:fs/promises';
import { messageOf } from '../../runtime/errors.js';
import { errnoName } from '../../runtime/linux/libc.js';
import type { Log } from '../../runtime/log.js';
import { isContainerRecord } from '../container-record.js';
import { isPodRecord } from '../pod-record.js';
import { EVENT_TYPES, type EventType, type RecordedEvent } from './event.js';

/** Bytes of each of the two files: some hundred events. */
const MAX_BYTES = 4 * 1024 * 1024;
/** "Taken" is noted this long after it was, so that a burst of events is one note. */
const NOTE_DELAY_MS = 100;

/** The last event of an object that is not deleted. */
export interface LastEvent {
  readonly type: EventType;
  readonly podId: string;
}

export interface JournalState {
  /** False: there was no journal, so nothing can be missing in it. */
  readonly existed: boolean;
  readonly last: ReadonlyMap<string, LastEvent>;
  readonly seq: number;
  readonly taken: number;
}

export class EventJournal {
  readonly #file: string;
  readonly #log: Log;
  readonly #maxBytes: number;
  readonly #last = new Map<string, LastEvent>();
  #handle: fs.FileHandle | undefined;
  #bytes = 0;
  #seq = 0;
  #taken = 0;
  #pending: string[] = [];
  #pendingLength = 0;
  #dropped = false;
  #writing: Promise<void> = Promise.resolve();
  #note: NodeJS.Timeout | undefined;
  #broken = false;

  constructor(file: string, log: Log, maxBytes = MAX_BYTES) {
    this.#file = file;
    this.#log = log;
    this.#maxBytes = maxBytes;
  }

  async open(): Promise<JournalState> {
    let existed = false;
    for await (const line of this.#lines()) {
      existed = true;
      this.#replay(line);
    }
    // Both are there from the beginning, so that pods that come and go leave no more files than there were.
    await (await fs.open(`${this.#file}.1`, 'a', 0o600)).close();
    this.#handle = await fs.open(this.#file, 'a', 0o600);
    this.#bytes = (await this.#handle.stat()).size;
    // Ends the line that a power cut tore.
    await this.#append('\n');
    return { existed, last: new Map(this.#last), seq: this.#seq, taken: this.#taken };
  }

  append(event: RecordedEvent): void {
    const { seq, type, containerId, podId } = event;
    this.#seq = seq;
    this.#noteLast(type, containerId, podId);
    this.#write(`E ${seq} ${type} ${containerId} ${podId} ${JSON.stringify(withoutEnvironment(event))}\n`);
  }

  /** All events up to `seq` have reached a subscriber. */
  taken(seq: number): void {
    this.#taken = seq;
    this.#note ??= setTimeout(() => this.#noteTaken(), NOTE_DELAY_MS).unref();
  }

  /** The events above `after`, up to `upTo`, oldest first; without those that there was no room for. */
  async *read(after: number, upTo: number): AsyncGenerator<RecordedEvent, void, undefined> {
    await this.#writing;
    for await (const line of this.#lines()) {
      const [mark, seq] = line.split(' ', 2);
      if (mark !== 'E' || Number(seq) <= after || Number(seq) > upTo) continue;
      const event = parse(line);
      if (event !== undefined && event.seq > after && event.seq <= upTo) yield event;
    }
  }

  /** Resolves when what was appended until now is in the file, or there was no room for it. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async close(): Promise<void> {
    if (this.#note !== undefined) this.#noteTaken();
    await this.#writing;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async *#lines(): AsyncGenerator<string, void, undefined> {
    // Both are opened at once, for one may take the other's place meanwhile.
    const handles = await Promise.all([openIfThere(`${this.#file}.1`), openIfThere(this.#file)]);
    try {
      for (const handle of handles) {
        if (handle === undefined) continue;
        for await (const line of handle.readLines({ autoClose: false })) yield line;
      }
    } finally {
      for (const handle of handles) await handle?.close();
    }
  }

  #replay(line: string): void {
    const [mark = '', first = '', second = '', third = ''] = line.split(' ', 4);
    if (mark === 'T') this.#replayTaken(Number(first) || 0, Number(second) || 0);
    else if (mark === 'K') this.#noteLast(first as EventType, second, third);
    else if (mark === 'E') this.#replayEvent(parse(line));
  }

  #replayEvent(event: RecordedEvent | undefined): void {
    if (event === undefined) return;
    this.#seq = Math.max(this.#seq, event.seq);
    this.#noteLast(event.type, event.containerId, event.podId);
  }

  #replayTaken(taken: number, seq: number): void {
    this.#taken = Math.max(this.#taken, taken);
    this.#seq = Math.max(this.#seq, seq, taken);
  }

  #noteLast(type: EventType, id: string, podId: string): void {
    if (type === 'deleted') this.#last.delete(id);
    else this.#last.set(id, { type, podId });
  }

  #noteTaken(): void {
    clearTimeout(this.#note);
    this.#note = undefined;
    this.#write(`T ${this.#taken} ${this.#seq}\n`);
  }

  #write(text: string): void {
    // A disk that hangs: what waits is bounded too, and the next file begins with what has to be known of it.
    if (this.#pendingLength > this.#maxBytes) {
      this.#clearPending();
      this.#dropped = true;
    }
    this.#pending.push(text);
    this.#pendingLength += text.length;
    if (this.#pending.length === 1) this.#writing = this.#writing.then(() => this.#flush());
  }

  /** A disk that is full costs the events that it has no room for, and nothing else. */
  async #flush(): Promise<void> {
    const text = this.#clearPending();
    try {
      await this.#append(text);
      if (this.#bytes > this.#maxBytes || this.#dropped) await this.#rotate();
      this.#broken = false;
    } catch (error) {
      if (!this.#broken) this.#log.warn({ file: this.#file, error: messageOf(error) }, 'events cannot be kept on disk');
      this.#broken = true;
    }
  }

  #clearPending(): string {
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingLength = 0;
    return text;
  }

  async #append(text: string): Promise<void> {
    await this.#handle?.appendFile(text);
    this.#bytes += Buffer.byteLength(text);
  }

  /** Killed between the two, the older file still has all that the newer one would begin with. */
  async #rotate(): Promise<void> {
    this.#dropped = false;
    const known = [...this.#last].map(([id, { type, podId }]) => `K ${type} ${id} ${podId}\n`);
    await fs.rename(this.#file, `${this.#file}.1`).catch((error: unknown) => {
      // An earlier try has got so far, and then there was no descriptor or no room for a new one.
      if (errnoName(error) !== 'ENOENT') throw error;
    });
    const handle = await fs.open(this.#file, 'a', 0o600);
    await this.#handle?.close();
    this.#handle = handle;
    await this.#append(`${known.join('')}T ${this.#taken} ${this.#seq}\n`);
    // Counted without that beginning, which many containers make longer than any limit.
    this.#bytes = 0;
  }
}

/** No status shows the environment, which is often the largest part, and the most secret. */
function withoutEnvironment(event: RecordedEvent): RecordedEvent {
  const containers = event.containers.map((record) => ({ ...record, config: { ...record.config, envs: [] } }));
  return { ...event, containers };
}

/** undefined for a line that was torn, or is something else: nobody is told what is only guessed at. */
function parse(line: string): RecordedEvent | undefined {
  try {
    const value: unknown = JSON.parse(line.slice(line.indexOf('{')));
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is RecordedEvent {
  if (typeof value !== 'object' || value === null) return false;
  const event = value as Partial<RecordedEvent>;
  return (
    Number.isSafeInteger(event.seq) &&
    EVENT_TYPES.some((type) => type === event.type) &&
    typeof event.containerId === 'string' &&
    typeof event.podId === 'string' &&
    /^\d+$/.test(String(event.createdAt)) &&
    (event.pod === undefined || isPodRecord(event.pod)) &&
    Array.isArray(event.containers) &&
    event.containers.every(isContainerRecord)
  );
}

async function openIfThere(file: string): Promise<fs.FileHandle | undefined> {
  try {
    return await fs.open(file, 'r');
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}
