/** Signal names as image configurations and the CRI have them, to this machine's numbers (signal(7)). */

import os from 'node:os';
import { CribError } from '../errors.js';

/** glibc keeps 32 and 33 for itself. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** `SIGTERM`, `term`, `15`, `SIGRTMIN+3`, `RTMAX-1`. Throws INVALID_ARGUMENT for anything else. */
export function signalNumber(name: string): number {
  const number = numberOf(name);
  if (number !== undefined) return number;
  throw new CribError('INVALID_ARGUMENT', `stop signal ${JSON.stringify(name)} is not a signal of this system`);
}

/** True for what `signalNumber` takes. */
export function isSignal(name: string): boolean {
  return numberOf(name) !== undefined;
}

function numberOf(name: string): number | undefined {
  const plain = name.toUpperCase().replace(/^SIG/, '');
  const known: Readonly<Record<string, number | undefined>> = os.constants.signals;
  const number = /^\d{1,2}$/.test(plain) ? Number(plain) : (known[`SIG${plain}`] ?? realTimeSignal(plain));
  return number !== undefined && number >= 1 && number <= SIGRTMAX ? number : undefined;
}

function realTimeSignal(plain: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(plain);
  if (match === null) return plain === 'CLD' ? os.constants.signals.SIGCHLD : undefined;
  const base = match[1] === 'MIN' ? SIGRTMIN : SIGRTMAX;
  const offset = Number(match[3] ?? 0) * (match[2] === '-' ? -1 : 1);
  const number = base + offset;
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
}
