import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerNumbers, oomScoreAdjOf, podNumbers } from '../../../../cri/cli/pod/resources.js';

const NOTHING = { cpuRequest: 0, cpuLimit: 0, memoryLimit: 0 };
const GIB = 2 ** 30;

test("shares and quota are the kubelet's numbers", () => {
  const numbers = containerNumbers({ cpuRequest: 100, cpuLimit: 500, memoryLimit: 64 * 2 ** 20 }, 0);
  assert.deepEqual(numbers, { shares: 102, quota: 50_000, period: 100_000, memory: 67_108_864, oomScoreAdj: 0 });
});

test('nothing asked for: least shares, no quota', () => {
  const numbers = containerNumbers(NOTHING, 1000);
  assert.deepEqual(numbers, { shares: 2, quota: 0, period: 100_000, memory: 0, oomScoreAdj: 1000 });
});

test('a limit alone is the request too, and never below the least quota', () => {
  const numbers = containerNumbers({ ...NOTHING, cpuLimit: 1 }, 0);
  assert.equal(numbers.shares, 2);
  assert.equal(numbers.quota, 1000);
});

test('a pod is limited only where all its containers are', () => {
  const limited = { cpuRequest: 0, cpuLimit: 250, memoryLimit: GIB };
  assert.deepEqual(podNumbers([limited, limited]), {
    shares: 512,
    quota: 50_000,
    period: 100_000,
    memory: 2 * GIB,
    oomScoreAdj: 0,
  });
  const { quota, memory, shares } = podNumbers([limited, NOTHING]);
  assert.deepEqual({ quota, memory, shares }, { quota: 0, memory: 0, shares: 256 });
});

test('the score follows the class of service', () => {
  const guaranteed = { cpuRequest: 0, cpuLimit: 100, memoryLimit: GIB };
  assert.equal(oomScoreAdjOf(guaranteed, [guaranteed], 8 * GIB), -997);
  assert.equal(oomScoreAdjOf(NOTHING, [NOTHING], 8 * GIB), 1000);
  assert.equal(oomScoreAdjOf(guaranteed, [guaranteed, NOTHING], 8 * GIB), 875);
  assert.equal(oomScoreAdjOf(NOTHING, [guaranteed, NOTHING], 8 * GIB), 999);
  assert.equal(oomScoreAdjOf({ ...guaranteed, memoryLimit: 8 * GIB }, [guaranteed, NOTHING], 8 * GIB), 3);
});
