import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Records } from '../../../runtime/containers/records.js';
import { Trash } from '../../../runtime/containers/trash.js';
import { recordingLog } from '../../support/log.js';

interface Thing {
  readonly id: string;
  readonly value: number;
}

let root: string;

beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-records-'));
});

afterEach(() => fs.rm(root, { recursive: true }));

const isThing = (value: unknown): value is Thing => typeof (value as Thing).value === 'number';

function open() {
  const { log, lines } = recordingLog();
  return { records: new Records<Thing>(root, log, isThing), lines };
}

test('what was saved is read again', async () => {
  const { records } = open();
  await records.save({ id: 'a', value: 1 });
  await records.save({ id: 'a', value: 2 });
  await records.save({ id: 'b', value: 3 });
  const loaded = await open().records.load();
  assert.deepEqual(
    loaded.records.sort((x, y) => x.value - y.value),
    [
      { id: 'a', value: 2 },
      { id: 'b', value: 3 },
    ],
  );
  await records.remove('a');
  await records.remove('a');
  assert.deepEqual((await records.load()).records, [{ id: 'b', value: 3 }]);
});

test('a record goes with what lies beside it, whether that can be renamed into the trash or not', async () => {
  const { log } = recordingLog();
  const trash = new Trash(path.join(root, 'trash'), log);
  const records = new Records<Thing>(path.join(root, 'things'), log, isThing, trash);
  for (const id of ['no-trash-yet', 'renamed']) {
    await records.save({ id, value: 1 });
    await fs.mkdir(path.join(records.directory(id), 'upper'));
    await fs.writeFile(path.join(records.directory(id), 'upper', 'file'), '');
    await records.remove(id);
    await records.remove(id);
    assert.deepEqual(await records.load(), { records: [], orphans: [] });
    await trash.close();
    await trash.open();
  }
  assert.deepEqual(await fs.readdir(path.join(root, 'trash')), []);
});

test('a directory without a record is an orphan of a crash', async () => {
  const { records } = open();
  await fs.mkdir(path.join(root, 'unfinished'));
  await fs.writeFile(path.join(root, 'unfinished', 'state.json.tmp'), '{"id":"unfin');
  assert.deepEqual(await records.load(), { records: [], orphans: ['unfinished'] });
});

test('a record that was not durable is an orphan when a power cut left it empty', async () => {
  const { records, lines } = open();
  await records.save({ id: 'a', value: 1 }, false);
  assert.deepEqual((await open().records.load()).records, [{ id: 'a', value: 1 }]);
  await fs.truncate(path.join(root, 'a', 'state.json'));
  assert.deepEqual(await records.load(), { records: [], orphans: ['a'] });
  assert.deepEqual(lines, []);
});

test('a half-written, foreign or misplaced record is set aside, reported once and never an orphan', async () => {
  const { records, lines } = open();
  const contents = { half: '{"id":"half","va', foreign: '{"id":"foreign"}', moved: '{"id":"other","value":1}' };
  for (const [id, text] of Object.entries(contents)) {
    await fs.mkdir(path.join(root, id));
    await fs.writeFile(path.join(root, id, 'state.json'), text);
  }
  assert.deepEqual(await records.load(), { records: [], orphans: [] });
  assert.equal(lines.length, 3);
  assert.deepEqual(await records.load(), { records: [], orphans: [] });
  assert.equal(lines.length, 3);
  assert.equal(await fs.readFile(path.join(root, 'half', 'state.json.unreadable'), 'utf8'), contents.half);
});

test('an id that leads elsewhere is refused', async () => {
  const { records } = open();
  await assert.rejects(records.save({ id: '../x', value: 1 }), { code: 'INVALID_ARGUMENT' });
  await assert.rejects(records.remove('..'), { code: 'INVALID_ARGUMENT' });
});
