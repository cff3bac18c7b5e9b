/** A client of a keeper that says what it likes. */

import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { encodeFrame, FrameReader } from '../../../runtime/keeper/frames.js';
import { KEEPER_PROTOCOL_VERSION } from '../../../runtime/keeper/protocol.js';

export type Message = Record<string, unknown>;

export interface RawClient {
  send(...messages: unknown[]): void;
  /** The next message; undefined at the end. */
  take(): Promise<Message | undefined>;
  /** Reads nothing more until `resume`. */
  pause(): void;
  resume(): void;
  close(): void;
}

export const HELLO = { hello: KEEPER_PROTOCOL_VERSION };

export async function rawClient(state: string): Promise<RawClient> {
  const socket = net.connect(path.join(state, 'keeper.sock'));
  await once(socket, 'connect');
  const frames = new FrameReader();
  const messages: Message[] = [];
  const waiting: ((message: Message | undefined) => void)[] = [];
  let ended = false;
  const wake = () => {
    while (waiting.length > 0 && (messages.length > 0 || ended)) waiting.shift()?.(messages.shift());
  };
  socket.on('error', () => undefined);
  socket.on('data', (data: Buffer) => {
    messages.push(...frames.push(data));
    wake();
  });
  socket.on('close', () => {
    ended = true;
    wake();
  });
  return {
    send: (...all) => socket.write(Buffer.concat(all.map((message) => encodeFrame(message)))),
    take: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        wake();
      }),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => socket.destroy(),
  };
}

/** One that has said hello. */
export async function greetedClient(state: string): Promise<RawClient> {
  const raw = await rawClient(state);
  raw.send(HELLO);
  await raw.take();
  return raw;
}

export const errorOf = (message: Message | undefined): Message => (message?.error ?? {}) as Message;
