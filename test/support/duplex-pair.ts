/** A connection without a network: what one end writes, the other reads. */

import { Duplex } from 'node:stream';

export function duplexPair(): [Duplex, Duplex] {
  const near = new End();
  const far = new End();
  near.other = far;
  far.other = near;
  return [near, far];
}

class End extends Duplex {
  other: End | undefined;
  private takenBy: (() => void) | undefined;

  override _read(): void {
    const callback = this.takenBy;
    this.takenBy = undefined;
    callback?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const { other } = this;
    if (other === undefined || other.destroyed) {
      callback();
      return;
    }
    other.takenBy = callback;
    if (other.push(chunk)) other._read();
  }

  override _final(callback: () => void): void {
    this.other?.push(null);
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    callback(error);
    this._read();
    // What was written before an orderly end is still to be read.
    if (this.other?.destroyed === false && !this.writableFinished) this.other.destroy();
  }
}
