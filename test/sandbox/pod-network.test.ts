import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../sandbox/node.js';
import { detachNetwork } from '../../sandbox/pod-network.js';
import { podRecord } from '../support/records.js';

/** The addresses that a sandbox is told to give back of a pod whose record has `ips`, and the network `given`. */
async function returned(ips: readonly string[], given: readonly string[]): Promise<readonly string[]> {
  const steps: (readonly string[])[] = [];
  const node = {
    backend: () => ({ beforeDetach: async (pod: { ips: readonly string[] }) => void steps.push(pod.ips) }),
    parts: { network: { addressesOf: () => given, detach: async () => void steps.push(['detached']) } },
  } as unknown as Node;
  await detachNetwork(node, { ...podRecord('pod'), ips }, 1_000);
  assert.deepEqual(steps[1], ['detached']);
  return steps[0] ?? [];
}

test('a sandbox gives back the addresses also of a pod that was killed before its record had them', async () => {
  assert.deepEqual(await returned(['10.0.0.2'], []), ['10.0.0.2']);
  assert.deepEqual(await returned([], ['10.0.0.3', 'fd00::3']), ['10.0.0.3', 'fd00::3']);
  assert.deepEqual(await returned([], []), []);
});
