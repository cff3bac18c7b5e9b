/**
 * A sentry takes the addresses off the interfaces of the pod's network namespace. CNI's bridge plugin 1.1 looks for them
 * there when the pod goes: without them its masquerade rules would stay for ever. So they are put back before that.
 */

import type { OciRuntime } from '../../runtime/oci/oci-runtime.js';
import type { PodRecord } from '../pod-record.js';

const TIMEOUT_MS = 5_000;
/** What CNI results and crib's own network call it (sandbox/network). */
const INTERFACE = 'eth0';

/** Input of `ip -batch`: the prefix is no matter to what is looked for. */
export function addressLines(ips: readonly string[]): string {
  const lines = ips.map((ip) => `address replace ${ip}/${ip.includes(':') ? 128 : 32} dev ${INTERFACE}`);
  return `${lines.join('\n')}\n`;
}

/** Throws what `ip` says, also where interface or namespace are gone already. */
export async function returnAddresses(runtime: OciRuntime, { ips, namespaces }: PodRecord): Promise<void> {
  if (ips.length === 0) return;
  const argv = ['nsenter', `--net=${namespaces.network}`, 'ip', '-force', '-batch', '-'];
  await runtime.run(argv, TIMEOUT_MS, addressLines(ips));
}
