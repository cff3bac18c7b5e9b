import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_LIMITS } from '../../../runtime/containers/config.js';
import { sentryLimits } from '../../../sandbox/gvisor/limits.js';

const MB = 1 << 20;
const limited = { ...NO_LIMITS, memoryLimit: 32 * MB, cpuQuota: 50_000, cpuPeriod: 100_000, cpuShares: 512 };

test('what the containers may have together is what the sentry may have, with its own share of memory', () => {
  const other = { ...limited, cpuQuota: 10_000, cpuPeriod: 50_000, memoryLimit: 64 * MB };
  const sum = { memoryLimit: (96 + 64) * MB, cpuPeriod: 100_000, cpuQuota: 70_000, cpuShares: 1024 };
  assert.deepEqual(sentryLimits([limited, other]), sum);
});

test('one that is not limited leaves the sentry without a limit, also one that it had', () => {
  const { memoryLimit, cpuQuota } = sentryLimits([limited, { ...NO_LIMITS, cpuQuota: -1, memoryLimit: -1 }]);
  assert.deepEqual([memoryLimit, cpuQuota], [-1, -1]);
  assert.equal(sentryLimits([limited, NO_LIMITS]).memoryLimit, -1);
});
