import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import { NO_FEATURES } from '../../../runtime/oci/feature-trials.js';
import { OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { resumePaused } from '../../../sandbox/host/checkpoint.js';
import { recordingLog } from '../../support/log.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-resume-'));
after(() => fs.rmSync(directory, { recursive: true }));

test('a container that is not paused is left alone', async () => {
  const features = NO_FEATURES;
  const facts = { name: 'none', path: path.join(directory, 'none'), version: '', works: true, reason: '', features };
  const { log, lines } = recordingLog();
  const target = { id: 'c1', root: directory, log: path.join(directory, 'log') };
  const cgroups = await createCgroups();
  await resumePaused({ runtime: new OciRuntime(facts), cgroups, log, target, cgroup: '/crib-no-such-cgroup' });
  assert.deepEqual(lines, []);
});
