/** The timestamp of a CRI log line, made without Date's cost. */

import { nowNs } from '../clock.js';

/** Bytes of `2026-11-24T04:00:00.123456789Z`. */
export const STAMP_BYTES = 30;

let stampSecond = -1;
let stampText = '';

/** Writes the current time at `position` of `target` as RFC 3339 in UTC with nine digits of fraction. */
export function writeStamp(target: Buffer, position: number): void {
  const now = nowNs();
  const second = Number(now / 1_000_000_000n);
  if (second !== stampSecond) {
    stampSecond = second;
    stampText = new Date(second * 1000).toISOString().slice(0, 20);
  }
  target.write(stampText, position, 'latin1');
  let fraction = Number(now % 1_000_000_000n);
  for (let index = position + STAMP_BYTES - 2; index >= position + 20; index--) {
    const digit = fraction % 10;
    target[index] = 48 + digit;
    fraction = (fraction - digit) / 10;
  }
  target[position + STAMP_BYTES - 1] = 0x5a;
}
