import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinuxContainerResources } from '../../../../cri/api/generated/index.js';
import { type DeepPartial, decodeMessage, encodeMessage } from '../../../../cri/api/wire.js';
import { resourcesMessage, resourcesOf } from '../../../../cri/services/translate/resources.js';

const received = (message: DeepPartial<LinuxContainerResources>) =>
  decodeMessage(LinuxContainerResources, encodeMessage(LinuxContainerResources, message));

test('what comes goes back the same', () => {
  const message = received({
    cpuPeriod: 100_000n,
    cpuQuota: -1n,
    cpuShares: 512n,
    memoryLimitInBytes: 1n << 30n,
    memorySwapLimitInBytes: 2n << 30n,
    oomScoreAdj: -999n,
    cpusetCpus: '0-3,8,10-20:2/4',
    cpusetMems: '0',
    hugepageLimits: [{ pageSize: '2MB', limit: 4n << 20n }],
    unified: { 'memory.high': 'max' },
  });
  assert.deepEqual(received(resourcesMessage(resourcesOf(message, 'f'))), message);
});

test('nothing is no limit, and the largest number is none either', () => {
  assert.deepEqual(resourcesOf(undefined, 'f'), resourcesOf(received({}), 'f'));
  const most = 2n ** 63n - 1n;
  const { memoryLimit, cpuQuota } = resourcesOf(received({ memoryLimitInBytes: most, cpuQuota: most }), 'f');
  assert.deepEqual([memoryLimit, cpuQuota], [-1, -1]);
});

test('swap is with the memory in it; unlimited is fine', () => {
  const swap = (memoryLimitInBytes: bigint, memorySwapLimitInBytes: bigint) =>
    resourcesOf(received({ memoryLimitInBytes, memorySwapLimitInBytes }), 'linux');
  for (const [memory, both] of [
    [5n, 5n],
    [5n, -1n],
    [-1n, 5n],
    [0n, 5n],
    [5n, 0n],
  ] as const)
    swap(memory, both);
  assert.throws(() => swap(5n, 4n), { message: /^linux\.memory_swap_limit_in_bytes is 4/ });
});

test('lists of processors that the kernel would not take are refused by their field', () => {
  for (const cpusetCpus of ['-', '1-', ',', '1,', '1,,2', 'a', '1 2', '1\n', '0:1/2', '1'.repeat(5000)]) {
    const refused = { code: 'INVALID_ARGUMENT', message: /^linux\.cpuset_cpus / };
    assert.throws(() => resourcesOf(received({ cpusetCpus }), 'linux'), refused, cpusetCpus);
  }
});
