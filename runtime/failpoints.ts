/**
 * Failpoints: steps that are made to fail, to hang or to be the process's last, for tests of what that leaves. Switched on
 * by CRIB_FAILPOINTS and by nothing else; what may stand there is in docs/failpoints.md.
 */

import fs from 'node:fs';
import { CribError } from './errors.js';
import { STEPS, type StepName } from './step-names.js';
import { failWith } from './steps.js';

export const FAILPOINT_ACTIONS = ['error', 'hang', 'kill', 'tell'] as const;
type Action = (typeof FAILPOINT_ACTIONS)[number];
type Position = 'before' | 'after';

export interface Failpoint {
  /** `*`: every step. */
  readonly name: StepName | '*';
  readonly position: Position;
  readonly action: Action;
  /** The how manieth time that the step gets there, from 1; 0: each time. */
  readonly hit: number;
}

const POLL_MS = 20;
const LINE = /^(\*|[a-z-]+\/[a-z-]+)(?::(before|after))?=([a-z]+)(?:@([1-9]\d*))?$/;

/** `NAME[:before|:after]=ACTION[@HIT]`, separated by commas. Throws INVALID_ARGUMENT naming what it cannot read. */
export function parseFailpoints(text: string): Failpoint[] {
  const entries = text.split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '').map(parseOne);
}

function parseOne(entry: string): Failpoint {
  const [, name = '', position = 'before', word, hit = '0'] = LINE.exec(entry) ?? [];
  const action = FAILPOINT_ACTIONS.find((known) => known === word);
  if (action !== undefined && (name === '*' || Object.hasOwn(STEPS, name))) {
    return { name: name as StepName | '*', position: position as Position, action, hit: Number(hit) };
  }
  const meant = `NAME[:before|:after]=${FAILPOINT_ACTIONS.join('|')}[@HIT], with a NAME of docs/failpoints.md`;
  throw new CribError('INVALID_ARGUMENT', `CRIB_FAILPOINTS: ${JSON.stringify(entry)} is none: ${meant}`);
}

/** What CRIB_FAILPOINTS says: the list itself, or `@FILE`, which is read anew at each step. */
class Source {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Empty where the file is not there. */
  read(): string {
    if (!this.#value.startsWith('@')) return this.#value;
    try {
      return fs.readFileSync(this.#value.slice(1), 'utf8');
    } catch {
      return '';
    }
  }

  /** Empties the file, so that the process that takes the place of this one lives. */
  clear(): void {
    if (this.#value.startsWith('@')) fs.writeFileSync(this.#value.slice(1), '');
  }
}

export class Failpoints {
  readonly #source: Source;
  readonly #say: (line: string) => void;
  #text = '';
  #armed: readonly Failpoint[] = [];
  /** How often each was reached since the list is what it is. */
  #hits = new Map<Failpoint, number>();

  /** `say` gets a line for each that is reached. Throws INVALID_ARGUMENT for a list that cannot be read. */
  constructor(value: string, say: (line: string) => void) {
    this.#source = new Source(value);
    this.#say = say;
    this.#refresh();
  }

  async around<T>(name: StepName, work: () => Promise<T>): Promise<T> {
    await this.#reach(name, 'before');
    const result = await work();
    await this.#reach(name, 'after');
    return result;
  }

  #refresh(): void {
    const text = this.#source.read();
    if (text === this.#text) return;
    this.#armed = parseFailpoints(text);
    this.#text = text;
    this.#hits = new Map();
  }

  async #reach(name: StepName, position: Position): Promise<void> {
    this.#refresh();
    for (const failpoint of this.#armed) {
      if (failpoint.position !== position || (failpoint.name !== '*' && failpoint.name !== name)) continue;
      const hit = (this.#hits.get(failpoint) ?? 0) + 1;
      this.#hits.set(failpoint, hit);
      if (failpoint.hit === 0 || failpoint.hit === hit) await this.#act(failpoint, name);
    }
  }

  async #act(failpoint: Failpoint, name: StepName): Promise<void> {
    const { action, position } = failpoint;
    this.#say(`failpoint ${name}:${position}=${action} in process ${process.pid}`);
    if (action === 'error') throw new CribError('INTERNAL', `failpoint ${name}:${position}`);
    if (action === 'kill') {
      this.#source.clear();
      process.kill(process.pid, 'SIGKILL');
    }
    // Also after the kill, should the signal take a moment.
    while (action !== 'tell' && this.#armed.includes(failpoint)) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      this.#refresh();
    }
  }
}

/** Switches on what CRIB_FAILPOINTS says. Throws INVALID_ARGUMENT for a list that cannot be read. */
export function armFailpoints(say: (line: string) => void = sayOnStderr): void {
  const value = process.env.CRIB_FAILPOINTS ?? '';
  if (value === '') return;
  const failpoints = new Failpoints(value, say);
  failWith((name, work) => failpoints.around(name, work));
  say(`failpoints are switched on: CRIB_FAILPOINTS=${value}`);
}

/** For the environment of a process that this one starts and that has steps of its own; usually empty. */
export function failpointsEnvironment(): Record<string, string> {
  const value = process.env.CRIB_FAILPOINTS ?? '';
  return value === '' ? {} : { CRIB_FAILPOINTS: value };
}

/** The same, for a process that cannot read the file: the list as it is now. */
export function failpointsNow(): Record<string, string> {
  const text = new Source(process.env.CRIB_FAILPOINTS ?? '').read();
  return text === '' ? {} : { CRIB_FAILPOINTS: text };
}

function sayOnStderr(line: string): void {
  try {
    fs.writeSync(2, `${line}\n`);
  } catch {
    // a full disk must not add a failure of its own
  }
}
