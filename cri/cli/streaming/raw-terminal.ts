/** The user's terminal while a program in a container has it: every key is the program's, every byte is its own. */

import type { ReadStream, WriteStream } from 'node:tty';
import { passOutputThrough } from '../../../runtime/linux/terminals.js';
import type { TerminalSize } from '../../../sandbox/streams.js';

/** Signals that end crib by default. In raw mode none of them comes from a key. */
const DEADLY = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/**
 * Switches to raw mode; returns what switches back. That also happens when crib exits in any way, or is ended by a
 * signal, of which it then dies.
 */
export function makeRaw(stdin: ReadStream & { readonly fd: number }): () => void {
  stdin.setRawMode(true);
  passOutputThrough(stdin.fd);
  const restore = () => {
    stdin.setRawMode(false);
    process.off('exit', restore);
    for (const signal of DEADLY) process.off(signal, die);
  };
  const die = (signal: NodeJS.Signals) => {
    restore();
    process.kill(process.pid, signal);
  };
  process.on('exit', restore);
  for (const signal of DEADLY) process.on(signal, die);
  return restore;
}

/** Calls with the size of the first of `outputs` that is a terminal, now and at each SIGWINCH. */
export function watchSize(outputs: readonly WriteStream[], listener: (size: TerminalSize) => void): () => void {
  const terminal = outputs.find(({ isTTY }) => isTTY);
  if (terminal === undefined) return () => {};
  const tell = () => {
    const [width, height] = terminal.getWindowSize();
    listener({ width, height });
  };
  tell();
  process.on('SIGWINCH', tell);
  return () => process.off('SIGWINCH', tell);
}
