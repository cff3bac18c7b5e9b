/**
 * The lexically first valid configuration of a directory, as containerd and CRI-O choose it. Read again only when the
 * directory has changed: a watch tells of edits in place, the directory's mtime of all else, also where it is new.
 */

import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../../runtime/errors.js';
import { type CniConfig, parseConfig } from './config.js';

const EXTENSIONS = ['.conf', '.conflist', '.json'];
const MAX_BYTES = 1024 * 1024;
const MAX_FILES = 256;

export interface ConfigState {
  readonly config: CniConfig | undefined;
  /** Why there is none, or why earlier files were passed over. */
  readonly problems: readonly string[];
}

export class ConfigDirectory {
  readonly #directory: string;
  #watcher: fs.FSWatcher | undefined;
  #stamp = '';
  #state: ConfigState = { config: undefined, problems: [] };

  constructor(directory: string) {
    this.#directory = directory;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** One stat(2) when nothing has changed. Never throws. */
  current(): ConfigState {
    const stamp = stampOf(this.#directory);
    if (stamp === this.#stamp && this.#watcher !== undefined) return this.#state;
    if (stamp !== this.#stamp) this.close(); // It may be another directory of the same name.
    if (stamp !== '') this.#watch();
    this.#stamp = stamp;
    this.#state = read(this.#directory);
    return this.#state;
  }

  /** Without a watch (inotify's limits reached) every call reads the files: slower, never stale. */
  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = fs.watch(this.#directory, { persistent: false }, () => {
        this.#stamp = 'changed';
      });
      this.#watcher.on('error', () => this.close());
    } catch {
      this.#watcher = undefined;
    }
  }
}

function stampOf(directory: string): string {
  const stat = fs.statSync(directory, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.dev}:${stat.ino}:${stat.mtimeNs}`;
}

function read(directory: string): ConfigState {
  const problems: string[] = [];
  let names: string[];
  try {
    names = fs.readdirSync(directory);
  } catch (error) {
    return { config: undefined, problems: [messageOf(error)] };
  }
  const candidates = names.filter((name) => EXTENSIONS.includes(path.extname(name))).sort();
  for (const name of candidates.slice(0, MAX_FILES)) {
    const file = path.join(directory, name);
    try {
      if (fs.statSync(file).size > MAX_BYTES) throw new Error(`${file}: larger than ${MAX_BYTES} bytes`);
      return { config: parseConfig(fs.readFileSync(file, 'utf8'), file), problems };
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  return { config: undefined, problems };
}
