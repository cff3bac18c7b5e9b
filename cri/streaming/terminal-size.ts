/** The resize channel: JSON objects `{"Width":80,"Height":24}` one after the other, in pieces of any size. */

import type { TerminalSize } from '../../sandbox/streams.js';

/** Characters of one object; Go's encoder writes under 40. */
const MAX_OBJECT = 1024;
/** What a client that tells no size waits longer for its command. Milliseconds. */
const FIRST_SIZE_MS = 50;
/** A terminal's size is two unsigned 16-bit numbers for the kernel. */
const MAX_SIZE = 65_535;

export class TerminalSizes {
  private text = '';
  private latest: TerminalSize | undefined;
  private readonly listeners: ((size: TerminalSize) => void)[] = [];

  /** Calls with the size that is known, and with each that comes. */
  listen(listener: (size: TerminalSize) => void): void {
    this.listeners.push(listener);
    if (this.latest !== undefined) listener(this.latest);
  }

  /**
   * Resolves with the first size, after FIRST_SIZE_MS, or when the client is gone: a client tells its size right after it
   * has connected, and a program that asks as it starts shall not read 0 by 0.
   */
  async first(gone: AbortSignal): Promise<void> {
    if (this.latest !== undefined || gone.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FIRST_SIZE_MS);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.listeners.push(done);
      gone.addEventListener('abort', done, { once: true });
    });
  }

  /** What is no size is passed over: a wrong size must not end a session. */
  write(bytes: Buffer): void {
    this.text += bytes.toString('latin1');
    for (let end = this.text.indexOf('}'); end >= 0; end = this.text.indexOf('}')) {
      this.announce(this.text.slice(0, end + 1));
      this.text = this.text.slice(end + 1);
    }
    if (this.text.length > MAX_OBJECT) this.text = '';
  }

  private announce(json: string): void {
    const size = sizeOf(json);
    if (size === undefined) return;
    this.latest = size;
    for (const listener of this.listeners) listener(size);
  }
}

function sizeOf(json: string): TerminalSize | undefined {
  if (json.length > MAX_OBJECT) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const [width, height] = [fieldOf(parsed, 'width'), fieldOf(parsed, 'height')];
  return width === undefined || height === undefined ? undefined : { width, height };
}

/** Go's decoder does not mind the case of a field's name; clients in other languages rely on it. */
function fieldOf(object: object, name: string): number | undefined {
  const value: unknown = Object.entries(object).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_SIZE ? value : undefined;
}
