/**
 * What the keeper writes down. `<state>/keeper/ID.json` (the intent) is there from before a container is created until
 * it is forgotten, and is what a new keeper process finds all containers by; `keeper.json` in the container's directory
 * (the record) is there from when it is created, and holds its exit once that is known.
 */

import { unlinkSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { replaceFile } from '../durable-file.js';
import { messageOf } from '../errors.js';
import { errnoName } from '../linux/libc.js';
import { bootId } from '../linux/processes.js';
import type { Log } from '../log.js';
import { step } from '../steps.js';
import { isObject } from './frames.js';
import type { KeptContainer, KeptContainerSpec, KeptExit, KeptStdio, KeptWatch } from './protocol.js';

const VERSION = 1;
/** This process is of one boot. */
const BOOT = bootId();
const MAX_BYTES = 1024 * 1024;
const EXIT_ATTEMPTS = 4;
const EXIT_PAUSE_MS = 500;

export interface Intent {
  readonly id: string;
  readonly directory: string;
  readonly stdio: KeptStdio;
  readonly cgroupDirs: readonly string[];
  readonly watch?: KeptWatch;
  /** The command that creates it, so that a new keeper can end one that its predecessor left behind. */
  readonly creator?: { readonly pid: number; readonly startTime: string };
}

export const PID_FILE = 'init.pid';
export const RECORD_FILE = 'keeper.json';

export function intentOf(spec: KeptContainerSpec): Intent {
  const { id, directory, stdio, cgroupDirs, watch } = spec;
  return { id, directory, stdio, cgroupDirs, ...(watch === undefined ? {} : { watch }) };
}

/** `sync` makes it survive a power cut. */
function writeJson(file: string, value: object, sync: boolean): Promise<void> {
  return replaceFile(file, JSON.stringify({ version: VERSION, bootId: BOOT, ...value }), sync);
}

/** The state directory may lie on a disk: what was written before a reboot names processes that are others now. */
function isOfEarlierBoot(value: unknown): boolean {
  return isObject(value) && value.bootId !== undefined && value.bootId !== BOOT;
}

async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    if ((await fs.stat(file)).size > MAX_BYTES) return undefined;
    const value: unknown = JSON.parse(await fs.readFile(file, 'utf8'));
    return isObject(value) && value.version === VERSION ? value : undefined;
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The directory of intents. */
export class Intents {
  readonly #root: string;

  constructor(state: string) {
    this.#root = path.join(state, 'keeper');
  }

  async save(intent: Intent): Promise<void> {
    await writeJson(this.#file(intent.id), intent, false);
  }

  async remove(id: string): Promise<void> {
    try {
      unlinkSync(this.#file(id)); // in place: mostly in memory
    } catch (error) {
      if (errnoName(error) !== 'ENOENT') throw error;
    }
  }

  /** All intents; the names of files that are none go to `unreadable`. Makes the directory. */
  async load(): Promise<{ intents: Intent[]; unreadable: string[] }> {
    await fs.mkdir(this.#root, { recursive: true, mode: 0o700 });
    const intents: Intent[] = [];
    const unreadable: string[] = [];
    for (const name of await fs.readdir(this.#root)) {
      const file = path.join(this.#root, name);
      if (name.endsWith('.tmp')) await fs.rm(file, { force: true });
      if (!name.endsWith('.json')) continue;
      const value = await readJson(file).catch(undefinedUnlessFull); // EISDIR, EIO: one that cannot be read keeps no other out
      if (isIntent(value) && `${value.id}.json` === name) intents.push(withoutGone(value));
      else unreadable.push(file);
    }
    return { intents, unreadable };
  }

  #file(id: string): string {
    return path.join(this.#root, `${id}.json`);
  }
}

function withoutGone(intent: Intent): Intent {
  const { creator: _creator, ...rest } = intent;
  return isOfEarlierBoot(intent) ? rest : intent;
}

/** EMFILE is of this process, not of the file. */
function undefinedUnlessFull(error: unknown): undefined {
  if (errnoName(error) === 'EMFILE' || errnoName(error) === 'ENFILE') throw error;
}

function isIntent(value: unknown): value is Intent {
  return (
    isObject(value) &&
    typeof value.id === 'string' &&
    typeof value.directory === 'string' &&
    isObject(value.stdio) &&
    Array.isArray(value.cgroupDirs)
  );
}

/** Writes a container's record; synced once it holds the exit, which nothing could tell again. */
export async function saveRecord(container: KeptContainer): Promise<void> {
  await writeJson(path.join(container.directory, RECORD_FILE), container, container.exit !== undefined);
}

/** Writes the record of one that has exited. A state disk that is full is waited for, but not for ever: then the exit is at least told. */
export async function saveExit(container: KeptContainer, log: Log): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await step('keeper/exit', () => saveRecord(container));
      return;
    } catch (error) {
      log.error({ id: container.id, error: messageOf(error) }, 'an exit could not be recorded');
      if (attempt === EXIT_ATTEMPTS) return;
    }
    await sleep(EXIT_PAUSE_MS);
  }
}

/**
 * The record in `directory`; undefined when there is none: creating it was not finished. One of an earlier boot has no
 * start time: its init has ended.
 */
export async function loadRecord(directory: string): Promise<KeptContainer | undefined> {
  const value = await readJson(path.join(directory, RECORD_FILE));
  const container = asContainer(value);
  return container !== undefined && isOfEarlierBoot(value) ? { ...container, startTime: '' } : container;
}

/** What JSON left of a KeptContainer, checked; undefined when it is none. */
export function asContainer(value: unknown): KeptContainer | undefined {
  if (!isObject(value)) return undefined;
  const { id, directory, pid, startTime, startedAt, logPath } = value;
  if (typeof id !== 'string' || typeof directory !== 'string' || typeof pid !== 'number') return undefined;
  if (typeof startTime !== 'string' || typeof startedAt !== 'string' || typeof logPath !== 'string') return undefined;
  return { id, directory, pid, startTime, startedAt, logPath, exit: asExit(value.exit) };
}

function asExit(value: unknown): KeptExit | undefined {
  if (!isObject(value) || typeof value.finishedAt !== 'string') return undefined;
  const { exitCode, signal, finishedAt } = value;
  return {
    exitCode: typeof exitCode === 'number' ? exitCode : undefined,
    signal: typeof signal === 'number' ? signal : 0,
    finishedAt,
  };
}
