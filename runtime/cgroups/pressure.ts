/** Pressure stall information (Documentation/accounting/psi.rst). */

import type { Pressure, PressureTimes } from './types.js';

const NONE: PressureTimes = { totalNs: 0n, avg10: 0, avg60: 0, avg300: 0 };

/** undefined without text: the kernel keeps none. cpu.pressure has no `full` line before Linux 5.13. */
export function parsePressure(text: string | undefined): Pressure | undefined {
  if (text === undefined || text === '') return undefined;
  return { some: timesOf(text, 'some') ?? NONE, full: timesOf(text, 'full') ?? NONE };
}

/** `some avg10=0.12 avg60=0.00 avg300=0.00 total=12345`, total in microseconds. */
function timesOf(text: string, kind: 'some' | 'full'): PressureTimes | undefined {
  const line = new RegExp(`^${kind} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+) total=(\\d+)`, 'm').exec(text);
  if (line === null) return undefined;
  const [, avg10, avg60, avg300, total = '0'] = line;
  return { totalNs: BigInt(total) * 1000n, avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300) };
}
