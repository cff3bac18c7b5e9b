/** What one exec needs: where it happens, and the files in the container's bundle that it has for its length. */

import fs from 'node:fs';
import path from 'node:path';
import { newId } from '../../runtime/containers/ids.js';
import type { Keeper, KeptInnerKill } from '../../runtime/keeper/protocol.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { COPIES_OF_EXEC, type RuntimeEnvironment, removeCopies, withCopiesIn } from '../../runtime/oci/environment.js';
import type { OciRuntime } from '../../runtime/oci/oci-runtime.js';

export interface ExecPlace {
  readonly keeper: Keeper;
  readonly runtime: OciRuntime;
  /** Environment of the runtime itself. */
  readonly env: RuntimeEnvironment;
  /** The container's bundle; what a crash leaves there goes with the container. */
  readonly bundle: string;
  /** `--root` of the runtime. */
  readonly runtimeRoot: string;
  /** Whose its pipes are, by the host's ids, so that the command can reopen /dev/stdout. */
  readonly owner: { readonly uid: number; readonly gid: number };
  /** The sandbox's own kernel has the processes: how one there is killed, with its descendants. */
  readonly innerKill?: Pick<KeptInnerKill, 'argv' | 'tree'>;
}

/** How the names of all begin. */
const NAME = /^exec-[0-9a-f]{16}(?=\.)/;

export class ExecFiles {
  readonly pidFile: string;
  /** The OCI `process` object. */
  readonly processFile: string;
  /** Of a session: the process of the host that is to end with it. */
  readonly startedFile: string;
  /** The pid of the command in a kernel of its own. */
  readonly innerPidFile: string;
  /** The runtime's. */
  readonly log: string;
  /** Name in the bundle of the socket for a terminal. */
  readonly consoleName: string;
  readonly #copies: string;

  constructor(bundle: string, name = `exec-${newId().slice(0, 16)}`) {
    const base = path.join(bundle, name);
    this.pidFile = `${base}.pid`;
    this.startedFile = `${base}.started`;
    this.innerPidFile = `${base}.inner-pid`;
    this.processFile = `${base}.json`;
    this.log = `${base}.log`;
    this.consoleName = `${name}.sock`;
    this.#copies = `${base}${COPIES_OF_EXEC}`;
  }

  /** Of execs that are none any more: those of which one of `names`, the entries of `bundle`, is. */
  static in(bundle: string, names: readonly string[]): ExecFiles[] {
    const found = names.flatMap((name) => NAME.exec(name)?.[0] ?? []);
    return [...new Set(found)].map((name) => new ExecFiles(bundle, name));
  }

  /** The runtime's environment, with a place for its copy of itself: another exec's goes on while this one's is removed. */
  environment(env: RuntimeEnvironment): RuntimeEnvironment {
    fs.mkdirSync(this.#copies, { mode: 0o700 });
    return withCopiesIn(this.#copies, env);
  }

  /** Removes those that were made. Plain calls: four times through libuv's pool would cost a probe more than all else here. */
  remove(): void {
    const console = path.join(path.dirname(this.pidFile), this.consoleName);
    const { pidFile, startedFile, innerPidFile, processFile, log } = this;
    for (const file of [pidFile, startedFile, innerPidFile, processFile, log, console]) unlinkIfThere(file);
    removeEmpty(this.#copies, () => removeCopies(this.#copies));
  }
}

/** What an exec's runtime and keeper are told where the processes are another kernel's; nothing where they are the host's. */
export function innerKillOf({ innerKill, env }: ExecPlace, { innerPidFile }: ExecFiles) {
  if (innerKill === undefined) return { ofRuntime: {}, ofKeeper: {} };
  return {
    ofRuntime: { internalPidFile: innerPidFile },
    ofKeeper: { innerKill: { ...innerKill, pidFile: innerPidFile, env } },
  };
}

/** `clear` is for the rare case that something is in it. */
function removeEmpty(directory: string, clear: () => void): void {
  try {
    fs.rmdirSync(directory);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return;
    if (errnoName(error) !== 'ENOTEMPTY') throw error;
    clear();
    fs.rmdirSync(directory);
  }
}

function unlinkIfThere(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
  }
}
