/** The guest's console: what it says to the host there, among the lines of kernel and systemd. */

import { MARK } from './steps.js';

/** Cuts chunks into lines; gives those that are the guest's own, without their mark. */
export class ConsoleReader {
  readonly #tell: (line: string) => void;
  #rest = '';

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  add(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const at = line.indexOf(MARK);
      // A kernel's message can stand in front of it on the same line.
      if (at !== -1) this.#tell(line.slice(at + MARK.length).trimEnd());
    }
  }
}
