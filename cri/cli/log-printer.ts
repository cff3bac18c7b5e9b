/** Prints log lines: as they were, or with a container's name in front when several are shown together. */

import type { LogLine } from './log-line.js';

/** Green, yellow, blue, magenta, cyan: readable on dark and on light. */
const COLOURS = [32, 33, 34, 35, 36];

export interface PrinterOptions {
  readonly timestamps: boolean;
  /** Name in front of each line, padded by the caller; undefined: none. */
  readonly prefix?: string;
  /** Which colour the prefix has; undefined: none. */
  readonly colour?: number;
}

export class LogPrinter {
  readonly #options: PrinterOptions;
  /** By stream: whether its last line was a piece, so that no prefix comes in the middle of a line. */
  readonly #open = { stdout: false, stderr: false };

  constructor(options: PrinterOptions) {
    this.#options = options;
  }

  /** The bytes for one line, and the stream they belong on. */
  format(line: LogLine): { stream: 'stdout' | 'stderr'; bytes: Buffer } {
    const head = this.#open[line.stream] ? '' : this.#head(line);
    this.#open[line.stream] = !line.ends;
    return { stream: line.stream, bytes: Buffer.concat([Buffer.from(head), line.content, line.ends ? EOL : NONE]) };
  }

  #head(line: LogLine): string {
    const { prefix, colour, timestamps } = this.#options;
    const time = timestamps ? `${line.time} ` : '';
    if (prefix === undefined) return time;
    const name = colour === undefined ? prefix : `\x1b[${COLOURS[colour % COLOURS.length]}m${prefix}\x1b[0m`;
    return `${name} ${time}`;
  }
}

/** A line as one line of JSON, always on stdout; `container` says whose it is where that is not plain. */
export function jsonLine(line: LogLine, container?: string): { stream: 'stdout'; bytes: string } {
  const entry = { ...(container === undefined ? {} : { container }), ...line, content: line.content.toString() };
  return { stream: 'stdout', bytes: `${JSON.stringify(entry)}\n` };
}

const EOL = Buffer.from('\n');
const NONE = Buffer.alloc(0);

/** Resolves when the stream has taken the bytes: a slow reader slows the log down instead of filling the memory. */
export function writeAll(stream: NodeJS.WritableStream, bytes: Buffer | string): Promise<void> {
  return new Promise((resolve) => {
    if (stream.write(bytes)) resolve();
    else stream.once('drain', resolve);
  });
}
