import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type WatchedFacts, watchedFacts } from '../../../volumes/verity/watched-facts.js';
import { until } from '../../support/until.js';
import { makeTemporary, removeTemporary } from '../fixture.js';

async function factsAt(place: string): Promise<WatchedFacts> {
  const fd = fs.openSync(place, 'r');
  try {
    return await watchedFacts(fd, undefined);
  } finally {
    fs.closeSync(fd);
  }
}

test('another directory at the same path is another volume; the same one is not, wherever it is', async (t) => {
  const root = makeTemporary();
  t.after(() => removeTemporary(root));
  const place = path.join(root, 'volume');
  fs.mkdirSync(place);
  const first = await factsAt(place);
  fs.renameSync(place, `${place}-moved`);
  fs.mkdirSync(place);
  const [other, moved] = [await factsAt(place), await factsAt(`${place}-moved`)];
  assert.deepEqual([moved.device, moved.inode], [first.device, first.inode]);
  assert.notEqual(other.inode, first.inode);
  const { dev, ino } = fs.statSync(place, { bigint: true });
  assert.deepEqual([other.device, other.inode], [String(dev), String(ino)]);
});

test('the stamp is that of the content as it was after the time of the check', async (t) => {
  const root = makeTemporary();
  t.after(() => removeTemporary(root));
  fs.writeFileSync(path.join(root, 'file'), 'content');
  const before = BigInt(Date.now()) * 1_000_000n;
  let facts = await factsAt(root);
  assert.equal(facts.stamp, '', 'so fresh a change proves nothing');
  await until(async () => {
    facts = await factsAt(root);
    return facts.stamp !== '';
  }, 'the change is old enough');
  assert.ok(BigInt(facts.checkedAt) >= before && BigInt(facts.checkedAt) <= BigInt(Date.now()) * 1_000_000n);
  assert.equal((await factsAt(root)).stamp, facts.stamp);
  fs.appendFileSync(path.join(root, 'file'), '.');
  assert.notEqual((await factsAt(root)).stamp, facts.stamp);
});

test('a caller who goes away ends it', async (t) => {
  const root = makeTemporary();
  t.after(() => removeTemporary(root));
  fs.writeFileSync(path.join(root, 'file'), '');
  const fd = fs.openSync(root, 'r');
  t.after(() => fs.closeSync(fd));
  await assert.rejects(watchedFacts(fd, AbortSignal.abort()), { code: 'CANCELLED' });
});
