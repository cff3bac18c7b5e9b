/** A session over a terminal that the OCI runtime makes: it sends the master here, where the window is set and bytes move. */

import type { Writable } from 'node:stream';
import tty from 'node:tty';
import { readAvailable, TERMINAL_MAX_BYTES } from '../../runtime/keeper/output.js';
import { ConsoleSocket } from '../../runtime/keeper/stdio.js';
import { setWindowSize } from '../../runtime/linux/terminals.js';
import type { SessionStreams, TerminalSize } from '../streams.js';
import { pumpInput } from './input-pump.js';
import { OutputPump } from './output-pump.js';

export class SessionTerminal {
  readonly #console: ConsoleSocket;
  readonly #streams: SessionStreams;
  #size: TerminalSize | undefined;
  #master: number | undefined;
  #stream: tty.ReadStream | undefined;
  #pump: OutputPump | undefined;
  #stopInput: (() => void) | undefined;

  /** Listens at `name` in `directory`; the caller removes that file. */
  constructor(directory: string, name: string, streams: SessionStreams) {
    this.#streams = streams;
    this.#console = new ConsoleSocket(directory, name);
    streams.onResize((size) => {
      this.#size = size;
      this.#resize();
    });
  }

  /** Where the runtime sends the master. */
  get consoleSocket(): string {
    return this.#console.path;
  }

  /** The client's window, where it has told it already. */
  get size(): TerminalSize | undefined {
    return this.#size;
  }

  /** The runtime has sent the master: from now on bytes move. Throws when it has not. */
  start(): void {
    const master = this.#console.take();
    if (master === undefined) throw new Error('the runtime sent no terminal to the console socket');
    const stream = new tty.ReadStream(master);
    this.#stream = stream;
    stream.on('close', () => {
      this.#master = undefined;
    });
    this.#master = master;
    this.#resize();
    const { stdin, stdout } = this.#streams;
    if (stdout === undefined) stream.on('error', () => undefined).resume();
    else this.#pump = this.#pumpOutput(master, stream, stdout);
    if (stdin !== undefined) this.#stopInput = pumpInput(stdin, stream, false);
  }

  /** The process has exited, and the client has all that it wrote. */
  async drained(signal: AbortSignal): Promise<void> {
    await this.#pump?.drained(signal);
  }

  close(): void {
    this.#stopInput?.();
    this.#stream?.destroy();
    this.#console.close();
  }

  #pumpOutput(master: number, stream: tty.ReadStream, sink: Writable): OutputPump {
    const pump = new OutputPump(stream, sink);
    stream.prependListener('end', () => pump.add(readAvailable(master, TERMINAL_MAX_BYTES)));
    return pump;
  }

  #resize(): void {
    if (this.#master === undefined || this.#size === undefined || this.#stream?.destroyed === true) return;
    setWindowSize(this.#master, this.#size.width, this.#size.height);
  }
}
