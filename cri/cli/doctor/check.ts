/** What `crib doctor` finds out: one thing that a backend needs, whether it is there, and the command that mends it. */

import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';

export interface Check {
  /** The thing, as its users call it: `overlayfs`. */
  readonly what: string;
  /** `limited`: pods run, but something they may ask for does not work. */
  readonly state: 'ok' | 'limited' | 'missing';
  readonly detail: string;
  /** Commands or a step that mends it; empty where nothing is to be mended or nothing can. */
  readonly mend: string;
}

export function ok(what: string, detail: string): Check {
  return { what, state: 'ok', detail, mend: '' };
}

export function limited(what: string, detail: string, mend: string): Check {
  return { what, state: 'limited', detail, mend };
}

export function missing(what: string, detail: string, mend: string): Check {
  return { what, state: 'missing', detail, mend };
}

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The executable `name` in `directories` (default: PATH and the system's); undefined where there is none. */
export async function which(name: string, directories?: readonly string[]): Promise<string | undefined> {
  const places = directories ?? [
    ...(process.env.PATH ?? '').split(':').filter((entry) => entry !== ''),
    ...DIRECTORIES,
  ];
  for (const directory of places) {
    const file = path.join(directory, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** A directory may be entered, which access(2) calls the same. */
async function isExecutable(file: string): Promise<boolean> {
  try {
    await fs.access(file, constants.X_OK);
    return (await fs.stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Whether a program is there, which package brings it, and what it is for. */
export async function program(name: string, packageName: string, use: string): Promise<Check> {
  const file = await which(name);
  return file === undefined ? missing(name, use, `apt-get install ${packageName}`) : ok(name, `${file}: ${use}`);
}

/** `directory`, or the first above it that is there. */
export async function nearestExisting(directory: string): Promise<string> {
  for (let at = directory; ; at = path.dirname(at)) {
    const found = await fs.stat(at).catch(() => undefined);
    if (found !== undefined || at === '/') return at;
  }
}

/** undefined where it cannot be read. */
export async function readText(file: string): Promise<string | undefined> {
  return fs.readFile(file, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}
