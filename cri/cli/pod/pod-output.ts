/** What `crib run` prints: the containers' logs on stdout and stderr as they were, its own words on stderr. */

import { jsonLine, LogPrinter, writeAll } from '../log-printer.js';
import { readLog } from '../log-reader.js';
import type { PodManifest } from '../manifest.js';
import { toJson } from '../output.js';

export class PodOutput {
  readonly #json: boolean;
  readonly #names: readonly string[];

  constructor(manifest: PodManifest, json: boolean) {
    this.#json = json;
    this.#names = [...manifest.initContainers, ...manifest.containers].map(({ name }) => name);
  }

  say(line: string): void {
    process.stderr.write(`crib: ${line}\n`);
  }

  result(podSandboxId: string): void {
    process.stdout.write(this.#json ? `${toJson({ podSandboxId })}\n` : `${podSandboxId}\n`);
  }

  /** Prints one container's log until `ended`, then what is left of it. */
  async follow(name: string, logPath: string, ended: () => boolean): Promise<void> {
    const printer = this.#printer(name);
    const lines = readLog(logPath, {
      follow: true,
      ended: async () => ended(),
      signal: new AbortController().signal,
    });
    for await (const line of lines) {
      const { stream, bytes } = this.#json ? jsonLine(line, name) : printer.format(line);
      await writeAll(process[stream], bytes);
    }
  }

  /** One container alone needs no name in front of its lines. */
  #printer(name: string): LogPrinter {
    if (this.#names.length === 1) return new LogPrinter({ timestamps: false });
    const width = Math.max(...this.#names.map(({ length }) => length));
    const colour = process.stdout.isTTY ? { colour: this.#names.indexOf(name) } : {};
    return new LogPrinter({ timestamps: false, prefix: `${name.padEnd(width)} |`, ...colour });
  }
}
