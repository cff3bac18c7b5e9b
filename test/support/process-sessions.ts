/** Sessions on processes of this machine and its loopback: what a sandbox does, without one. */

import { spawn } from 'node:child_process';
import net from 'node:net';
import { finished, pipeline } from 'node:stream/promises';
import type { SessionStreams, Sessions, TerminalSize } from '../../sandbox/streams.js';

export interface ProcessSessions extends Sessions {
  /** Every terminal size that a session was told, in order. */
  readonly sizes: readonly TerminalSize[];
  /** Sessions that run now. */
  readonly running: () => number;
}

/** An exec runs its command; an attach is `cat`. */
export function processSessions(): ProcessSessions {
  const sizes: TerminalSize[] = [];
  let running = 0;
  const run = async (command: readonly string[], streams: SessionStreams, signal: AbortSignal): Promise<number> => {
    const child = spawn(command[0] ?? '', command.slice(1), { stdio: 'pipe' });
    const spawned = new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 128)));
    await spawned;
    running++;
    streams.onResize((size) => sizes.push(size));
    const kill = () => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    if (streams.stdin === undefined) child.stdin.end();
    else void pipeline(streams.stdin, child.stdin).catch(() => {});
    const outputs = [
      [child.stdout, streams.stdout],
      [child.stderr, streams.stderr],
    ] as const;
    await Promise.all(
      outputs.map(([from, to]) => (to === undefined ? finished(from.resume()) : pipeline(from, to).catch(() => {}))),
    );
    const code = await exited;
    signal.removeEventListener('abort', kill);
    running--;
    return code;
  };
  return {
    sizes,
    running: () => running,
    exec: (spec, streams, signal) => run(spec.command, streams, signal),
    attach: async (_containerId, streams, signal) => {
      await run(['cat'], streams, signal);
    },
    connect: (_podId, port) =>
      new Promise((resolve, reject) => {
        const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        socket.once('connect', () => resolve(socket)).once('error', reject);
      }),
  };
}
