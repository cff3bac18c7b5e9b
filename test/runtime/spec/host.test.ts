import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { it } from 'node:test';
import { capabilitiesOfMask } from '../../../runtime/spec/capabilities.js';
import { discoverHostFacts, hugepageSize } from '../../../runtime/spec/host.js';

it('reads capability masks and huge page sizes', () => {
  assert.deepEqual(capabilitiesOfMask(0x21n), ['CAP_CHOWN', 'CAP_KILL']);
  assert.equal(capabilitiesOfMask(0x1ffffffffffn).length, 41);
  assert.deepEqual(['hugepages-64kB', 'hugepages-2048kB', 'hugepages-1048576kB', 'x'].map(hugepageSize), [
    '64KB',
    '2MB',
    '1GB',
    undefined,
  ]);
});

it('finds out what this host can do', async () => {
  const facts = await discoverHostFacts();
  const unified = await fs.access('/sys/fs/cgroup/cgroup.controllers').then(
    () => true,
    () => false,
  );
  assert.equal(facts.cgroupVersion, unified ? 2 : 1);
  assert.ok(facts.controllers.includes('memory'));
  assert.ok(facts.capabilities.includes('CAP_SYS_ADMIN'));
  // What is said to be possible is: lowering to the floor does not fail.
  const before = await fs.readFile('/proc/self/oom_score_adj', 'utf8');
  await fs.writeFile('/proc/self/oom_score_adj', String(facts.oomScoreAdjFloor));
  await fs.writeFile('/proc/self/oom_score_adj', before);
});
