/**
 * Asks a sandbox for the end of a container over its control socket: a message is written, and answered once the container
 * has ended. A process that waits (`runsc wait`) costs megabytes, this a descriptor.
 */

import net from 'node:net';
import { isObject } from './frames.js';
import type { KeptWaitCall } from './protocol.js';
import { descriptorOf } from './socket-descriptor.js';

/** The sandbox may be an enemy: a longer answer is none. */
const MAX_ANSWER_BYTES = 4096;

export class WaitCall {
  readonly #call: KeptWaitCall;
  readonly #socket = new net.Socket();

  constructor(call: KeptWaitCall) {
    this.#call = call;
  }

  /**
   * The exit code, as a shell has it; undefined when there is no such answer: the sandbox is gone, does not know the call
   * or the container, or `close` came first. `saw` is told of the socket's descriptor.
   */
  run(saw: (fd: number) => void): Promise<number | undefined> {
    const socket = this.#socket;
    let text = '';
    return new Promise((resolve) => {
      const end = (exitCode: number | undefined) => {
        resolve(exitCode);
        socket.destroy();
      };
      socket.setEncoding('utf8');
      socket.on('data', (data: string) => {
        text += data;
        const answer = parsed(text);
        if (answer !== undefined) end(exitCodeIn(answer));
        else if (text.length > MAX_ANSWER_BYTES) end(undefined);
      });
      for (const event of ['end', 'error', 'close']) socket.on(event, () => end(undefined));
      socket.connect(this.#call.socket, () => {
        saw(descriptorOf(socket));
        socket.write(this.#call.request);
      });
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** undefined: it is not whole yet. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** From `{"success":true,"err":"","result":1792}`, whose result is a status as of wait(2); undefined for anything else. */
export function exitCodeIn(answer: unknown): number | undefined {
  if (!isObject(answer) || answer.success !== true) return undefined;
  const { result } = answer;
  if (typeof result !== 'number' || !Number.isInteger(result) || result < 0 || result > 0xffff) return undefined;
  const signal = result & 0x7f;
  if (signal === 0) return result >> 8;
  return signal === 0x7f ? undefined : 128 + signal; // 0x7f: stopped, not ended
}
