/** The keys that leave a container without ending it, as Docker has them: `ctrl-p,ctrl-q`. */

import { Transform, type TransformCallback } from 'node:stream';
import { CribError } from '../../../runtime/errors.js';

const CONTROL = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/** The bytes that a terminal sends for a list of keys; empty for none. Throws INVALID_ARGUMENT naming the key. */
export function parseDetachKeys(list: string): Buffer {
  if (list === '') return Buffer.alloc(0);
  return Buffer.from(list.split(',').map((key) => byteOf(key)));
}

function byteOf(key: string): number {
  const control = /^ctrl-(.)$/i.exec(key)?.[1]?.toLowerCase();
  const code = control === undefined ? -1 : CONTROL.indexOf(control);
  if (code >= 0) return code;
  if (/^[\x21-\x7e]$/.test(key)) return key.charCodeAt(0);
  throw new CribError(
    'INVALID_ARGUMENT',
    `--detach-keys: ${JSON.stringify(key)} is no key: a, ctrl-a, ctrl-@, ctrl-[ and the like are`,
  );
}

/**
 * Passes on what is typed until `keys` were, then calls `detach` and passes on nothing more. Keys that may be the
 * beginning are held back until the next one shows that they are not.
 */
export class DetachKeys extends Transform {
  private held = 0;
  private detached = false;

  constructor(
    private readonly keys: Buffer,
    private readonly detach: () => void,
  ) {
    super();
  }

  override _transform(typed: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const passed: number[] = [];
    for (const byte of this.detached ? [] : typed) {
      this.consider(byte, passed);
      if (this.detached) break;
    }
    done(null, passed.length === 0 ? undefined : Buffer.from(passed));
  }

  override _flush(done: TransformCallback): void {
    done(null, this.detached ? undefined : this.keys.subarray(0, this.held));
  }

  private consider(byte: number, passed: number[]): void {
    // What was held and this byte, less the shortest beginning after which the rest may still become the keys.
    let candidate = Buffer.concat([this.keys.subarray(0, this.held), Buffer.of(byte)]);
    while (!this.keys.subarray(0, candidate.length).equals(candidate)) {
      passed.push(candidate[0] ?? 0);
      candidate = candidate.subarray(1);
    }
    this.held = candidate.length;
    if (this.held < this.keys.length) return;
    this.detached = true;
    this.detach();
  }
}
