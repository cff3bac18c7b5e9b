import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { NetworkRecords } from '../../../sandbox/network/records.js';
import { recordingLog } from '../../support/log.js';

const record = (podId: string) =>
  ({ version: 1, kind: 'bridge', podId, pod: 'a/b', bridge: 'br0', link: 'l0', addresses: [], ports: [] }) as const;

test('what was saved is there at the next start; what a power cut emptied is not, what is damaged is set aside', async (t) => {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-network-'));
  t.after(() => fs.rm(root, { recursive: true, force: true }));
  const { log, lines } = recordingLog();
  const first = new NetworkRecords(root, log);
  await first.load();
  for (const id of ['kept', 'emptied', 'damaged', 'removed']) await first.save(record(id), id === 'kept');
  await first.remove('removed');
  const file = (id: string) => path.join(root, 'network', `${id}.json`);
  await fs.truncate(file('emptied'));
  await fs.truncate(file('damaged'), 10);
  const second = new NetworkRecords(root, log);
  await second.load();
  assert.deepEqual(second.all(), [record('kept')]);
  assert.equal(lines.length, 1);
  assert.deepEqual((await fs.readdir(path.join(root, 'network'))).sort(), ['damaged.json.unreadable', 'kept.json']);
});
