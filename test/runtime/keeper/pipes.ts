/** A client's pipes for a keeper: made here, passed on, read and written here. */

import fs from 'node:fs';
import net from 'node:net';
import { type PassedPipes, type PipeName, passPipe } from '../../../runtime/keeper/passed-pipe.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';

export interface ClientPipes {
  readonly passed: PassedPipes;
  /** To be called once the keeper has opened its ends. */
  handedOver(): void;
  readonly stdin: net.Socket;
  /** All of it, once the keeper's end is closed. */
  readonly stdout: Promise<string>;
  /** What came of stdout so far. */
  soFar(): string;
  close(): void;
}

/** `reads` false: a client that takes no output. */
export function clientPipes(names: readonly PipeName[] = ['stdin', 'stdout'], reads = true): ClientPipes {
  const [input, output] = [makePipe(), makePipe()];
  const stdin = new net.Socket({ fd: input.writer, readable: false, writable: true });
  const stdout = new net.Socket({ fd: output.reader, readable: reads, writable: false });
  for (const socket of [stdin, stdout]) socket.on('error', () => undefined);
  let text = '';
  const ended = new Promise<string>((resolve) => stdout.on('close', () => resolve(text)));
  if (reads) {
    stdout.on('data', (data: Buffer) => {
      text += data.toString('latin1');
    });
  }
  const all = { stdin: passPipe(input.reader), stdout: passPipe(output.writer) };
  let mine = true;
  const handedOver = () => {
    if (mine) for (const fd of [input.reader, output.writer]) fs.closeSync(fd);
    mine = false;
  };
  return {
    passed: Object.fromEntries(Object.entries(all).filter(([name]) => names.some((wanted) => wanted === name))),
    handedOver,
    stdin,
    stdout: ended,
    soFar: () => text,
    close: () => {
      handedOver();
      stdin.destroy();
      stdout.destroy();
    },
  };
}
