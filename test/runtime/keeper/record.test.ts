import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import {
  asContainer,
  type Intent,
  Intents,
  loadRecord,
  RECORD_FILE,
  saveRecord,
} from '../../../runtime/keeper/record.js';

let state = '';
beforeEach(() => {
  state = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-record-'));
});
afterEach(() => fs.rmSync(state, { recursive: true }));

const stdio = { tty: false, stdin: false, stdinOnce: false, uid: 0, gid: 0, logPath: '', maxLineBytes: 1 };
const intent = (id: string): Intent => ({ id, directory: `/d/${id}`, stdio, cgroupDirs: ['/c'] });
const container = (exit: unknown = undefined) => ({
  id: 'c',
  directory: state,
  pid: 7,
  startTime: '1',
  startedAt: '2',
  logPath: '',
  exit,
});

test('intents are there until they are removed, again is no error, and a creator is kept', async () => {
  const intents = new Intents(state);
  assert.deepEqual(await intents.load(), { intents: [], unreadable: [] });
  await intents.save(intent('a'));
  await intents.save({ ...intent('b'), creator: { pid: 5, startTime: '6' } });
  const { intents: found } = await new Intents(state).load();
  assert.deepEqual(found.map(({ id, creator }) => [id, creator]).sort(), [
    ['a', undefined],
    ['b', { pid: 5, startTime: '6' }],
  ]);
  await intents.remove('a');
  await intents.remove('a');
  assert.equal((await intents.load()).intents.length, 1);
  assert.equal(fs.statSync(path.join(state, 'keeper')).mode & 0o777, 0o700);
});

test('what is no intent is named and left alone, whatever it is; what a kill left half written goes', async () => {
  const intents = new Intents(state);
  await intents.load();
  await intents.save(intent('good'));
  const root = path.join(state, 'keeper');
  const broken = ['half.json', 'renamed.json', 'version.json', 'large.json', 'directory.json', 'list.json'];
  fs.writeFileSync(path.join(root, 'half.json'), '{"version":1,"id":"ha');
  fs.copyFileSync(path.join(root, 'good.json'), path.join(root, 'renamed.json'));
  fs.writeFileSync(path.join(root, 'version.json'), JSON.stringify({ ...intent('version'), version: 2 }));
  fs.writeFileSync(path.join(root, 'large.json'), ' '.repeat(1024 * 1024 + 1));
  fs.mkdirSync(path.join(root, 'directory.json'));
  fs.writeFileSync(path.join(root, 'list.json'), '[]');
  fs.writeFileSync(path.join(root, 'x.json.tmp'), '{');
  fs.writeFileSync(path.join(root, 'README'), '');
  const { intents: found, unreadable } = await intents.load();
  assert.deepEqual(
    found.map(({ id }) => id),
    ['good'],
  );
  assert.deepEqual(unreadable.sort(), broken.map((name) => path.join(root, name)).sort());
  assert.deepEqual(fs.readdirSync(root).sort(), ['README', 'good.json', ...broken].sort());
});

test('a record is read as it was written, with its exit; none, or half of one, is undefined', async () => {
  assert.equal(await loadRecord(state), undefined);
  await saveRecord(container() as never);
  assert.deepEqual(await loadRecord(state), container());
  const exit = { exitCode: undefined, signal: 0, finishedAt: '3' };
  await saveRecord(container(exit) as never);
  assert.deepEqual(await loadRecord(state), container(exit), 'an exit that nothing could know stays one');
  fs.writeFileSync(path.join(state, RECORD_FILE), '{"version":1,"id":');
  assert.equal(await loadRecord(state), undefined);
});

test('of an object only what a container has is taken; one that lacks a field is none', () => {
  assert.deepEqual(asContainer({ ...container(), more: 1 }), container());
  for (const field of ['id', 'directory', 'pid', 'startTime', 'startedAt', 'logPath']) {
    assert.equal(asContainer({ ...container(), [field]: null }), undefined, field);
  }
  for (const value of [undefined, null, 5, [], 'c']) assert.equal(asContainer(value), undefined);
  assert.deepEqual(asContainer(container({ finishedAt: '3', exitCode: '1', signal: 'x' }))?.exit, {
    exitCode: undefined,
    signal: 0,
    finishedAt: '3',
  });
  assert.equal(asContainer(container({ exitCode: 1 }))?.exit, undefined);
});
