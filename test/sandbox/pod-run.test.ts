/** A backend that fails on purpose: what a keeper that dies again and again does to RunPodSandbox. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import { Node } from '../../sandbox/node.js';
import { runPod } from '../../sandbox/pod-run.js';
import { podConfig } from '../support/configs.js';
import { recordingLog } from '../support/log.js';
import { fakeParts } from '../support/node-parts.js';

const NEVER = new AbortController().signal;
const GONE = new CribError('UNAVAILABLE', 'the keeper is gone');

/** What is on disk of a pod whose making fails, and whose undoing does what `release` does. */
async function recordsAfter(t: TestContext, release: () => Promise<void>) {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-pod-run-'));
  t.after(() => fs.rm(root, { recursive: true }));
  const { log } = recordingLog();
  const parts = fakeParts(root, log, {});
  Object.assign(parts.handlers.get('host'), {
    prepare: async () => undefined,
    finish: async () => Promise.reject(GONE),
    release,
  });
  Object.assign(parts.network, { attach: async () => ({ ips: [] }), detach: async () => undefined });
  const node = new Node(parts);
  await assert.rejects(runPod(node, podConfig('pod'), 'host', NEVER), { code: 'UNAVAILABLE' });
  return (await node.podRecords.load()).records.map(({ state }) => state);
}

test('a pod that could not be made and was taken back leaves no record', async (t) => {
  assert.deepEqual(await recordsAfter(t, async () => undefined), []);
});

test('a pod that cannot be taken back keeps its record, by which the next start does it', async (t) => {
  assert.deepEqual(await recordsAfter(t, async () => Promise.reject(GONE)), ['creating']);
});
