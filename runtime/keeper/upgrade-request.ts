/**
 * Asking a keeper to become another program. It is a connection's first message and needs no hello, so that a keeper of
 * any protocol version understands it; the answer comes from the new program on the same connection.
 */

import { CribError, messageOf } from '../errors.js';
import { encodeFrame, FrameReader } from './frames.js';
import { connectTo, errorOf } from './link.js';
import type { KeeperProgram } from './protocol.js';

const TIMEOUT_MS = 60_000;

/** Throws what the keeper says; it goes on as before then. UNAVAILABLE: it has died of it, or does not answer. */
export async function requestUpgrade(state: string, program: KeeperProgram, timeoutMs = TIMEOUT_MS): Promise<void> {
  const socket = await connectTo(state);
  const frames = new FrameReader();
  try {
    await new Promise<void>((resolve, reject) => {
      const gone = () => reject(new CribError('UNAVAILABLE', 'the keeper ended while it was upgraded'));
      const late = () => reject(new CribError('UNAVAILABLE', `no end of the upgrade within ${timeoutMs} ms`));
      socket.setTimeout(timeoutMs, late);
      socket.on('close', gone);
      socket.on('data', (data: Buffer) => {
        try {
          const [answer] = frames.push(data);
          if (answer === undefined) return;
          if (answer.upgraded === true) resolve();
          else reject(errorOf(answer.error));
        } catch (error) {
          reject(new CribError('UNAVAILABLE', `what answers for the keeper is none: ${messageOf(error)}`));
        }
      });
      socket.write(encodeFrame({ upgrade: program }));
    });
  } finally {
    socket.destroy();
  }
}
