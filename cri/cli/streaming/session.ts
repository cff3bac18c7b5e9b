/** An exec or attach of the `crib` command: this process's own streams, its terminal, its detach keys. */

import { loadConfig } from '../config.js';
import type { Invocation } from '../invocation.js';
import { COMMAND_PROTOCOL, type LocalStreams, runCommandClient } from './command-run.js';
import { DetachKeys } from './detach-keys.js';
import { makeRaw, watchSize } from './raw-terminal.js';
import { dialSpdy } from './spdy-dial.js';

export interface SessionOptions {
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Bytes that leave the session; empty: none do. */
  readonly detachKeys: Buffer;
}

/** Returns the exit code; undefined where the user has left. Throws as dialSpdy and runCommandClient. */
export async function runSession(
  invocation: Invocation,
  url: string,
  { stdin: wantsStdin, tty, detachKeys }: SessionOptions,
): Promise<number | undefined> {
  const { streamingCertFile } = await loadConfig(invocation.configFile, {});
  const connection = await dialSpdy(url, COMMAND_PROTOCOL, streamingCertFile);
  const { stdin, stdout, stderr } = process;
  const left = new AbortController();
  const keys = new DetachKeys(detachKeys, () => left.abort());
  const watched = wantsStdin && tty && detachKeys.length > 0;
  const local: LocalStreams = {
    stdin: wantsStdin ? (watched ? stdin.pipe(keys) : stdin) : undefined,
    stdout,
    stderr,
    tty,
    onResize: (listener) => watchSize([stdout, stderr], listener),
  };
  const restore = wantsStdin && tty && stdin.isTTY ? makeRaw(stdin) : () => {};
  try {
    return await runCommandClient(connection, local, left.signal);
  } finally {
    restore();
    // Of a session without input nothing was read: it is the next command's.
    if (wantsStdin) stdin.unpipe().pause().unref?.();
  }
}
