/** A pod's record of a CNI network, for tests that run no network. */

import type { CniRecord } from '../../../../sandbox/network/cni/record.js';

export function cniRecord(change: Partial<CniRecord> = {}): CniRecord {
  return {
    version: 1,
    kind: 'cni',
    podId: 'pod1',
    phase: 'added',
    netns: '/nonexistent-crib',
    interfaceName: 'eth0',
    args: 'IgnoreUnknown=1',
    config: { name: 'net', cniVersion: '1.0.0', plugins: [{ type: 'bridge' }] },
    capabilityArgs: {},
    ...change,
  };
}
