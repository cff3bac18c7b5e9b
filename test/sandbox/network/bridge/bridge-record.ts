/** A pod's record of the bridge network, for tests that need no bridge. */

import type { BridgeRecord } from '../../../../sandbox/network/bridge/record.js';

export function bridgeRecord(change: Partial<BridgeRecord> = {}): BridgeRecord {
  const of = { podId: 'id', pod: 'default/web', bridge: 'br0', link: 'veth0' };
  return { version: 1, kind: 'bridge', ...of, addresses: ['10.0.0.2', 'fd00::2'], ports: [], ...change };
}
