/** `crib doctor`: what this host has and lacks for each backend. Ends with 1 where the host backend cannot run. */

import { loadConfig } from '../config.js';
import { type BackendReport, examineHost } from '../doctor/backends.js';
import type { Invocation } from '../invocation.js';
import { table, toJson } from '../output.js';

export async function doctor(invocation: Invocation): Promise<void> {
  const reports = await examineHost(await loadConfig(invocation.configFile, {}));
  const text = invocation.json ? toJson(reports) : reports.map(render).join('\n\n');
  process.stdout.write(`${text}\n`);
  if (reports.some(({ built, ready }) => built && !ready)) process.exitCode = 1;
}

const WORDS = { ok: 'OK', limited: 'limited', missing: 'MISSING' } as const;

function render(report: BackendReport): string {
  const rows = report.checks.map(({ state, what, detail }) => [WORDS[state], what, detail]);
  const mends = report.checks.filter(({ mend }) => mend !== '').map(({ what, mend }) => `  ${what}: ${mend}`);
  return [
    `${report.backend}: ${verdict(report)}`,
    table(['STATE', 'WHAT', 'DETAIL'], rows),
    ...(mends.length === 0 ? [] : ['To mend:', ...mends]),
  ].join('\n');
}

function verdict({ built, ready }: BackendReport): string {
  if (!built) return 'not in this version of crib; what it will need:';
  return ready ? 'ready' : 'not ready';
}
