/** Counters of a pod's interfaces, as any process in the pod's network namespace is shown them (proc_pid_net(5)). */

import { readSmallFile } from '../../runtime/small-files.js';
import { inTurn } from '../../runtime/turns.js';
import type { InterfaceStats } from '../types.js';

/** All interfaces but loopback, `eth0` first. Empty when the process has gone. */
export function readInterfaceStats(pid: number): Promise<InterfaceStats[]> {
  return inTurn(() => parseInterfaceStats(textOf(pid)));
}

function textOf(pid: number): string {
  try {
    return readSmallFile(`/proc/${pid}/net/dev`) ?? '';
  } catch {
    return '';
  }
}

/** Lines of `/proc/PID/net/dev`: name, eight receive columns, eight transmit columns. */
export function parseInterfaceStats(text: string): InterfaceStats[] {
  const all: InterfaceStats[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*([^\s:]+):\s*(.*)$/.exec(line);
    const name = match?.[1];
    const columns = (match?.[2] ?? '').trim().split(/\s+/).map(Number);
    if (name === undefined || name === 'lo' || columns.length < 12) continue;
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0] = columns;
    const [txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = columns.slice(8);
    all.push({ name, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped });
  }
  return all.sort((a, b) => Number(b.name === 'eth0') - Number(a.name === 'eth0'));
}
