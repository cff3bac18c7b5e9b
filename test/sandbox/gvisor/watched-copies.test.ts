import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type SandboxShell, WatchedCopies } from '../../../sandbox/gvisor/watched-copies.js';
import { createConfigVolume } from '../../../volumes/local-config.js';
import { recordingLog } from '../../support/log.js';
import { podRecord } from '../../support/records.js';
import { until } from '../../support/until.js';
import { makeTemporary, removeTemporary } from '../../volumes/fixture.js';
import { copyRoom } from './copy-room.js';

const POD = podRecord('pod');
const LIMITS = { bytes: 1024, entries: 8 };

async function stage(t: TestContext) {
  const pods = makeTemporary();
  t.after(() => removeTemporary(pods));
  const room = await copyRoom(t);
  const { log, lines } = recordingLog();
  const scripts: string[] = [];
  let broken: boolean | 'afterwards' = false;
  const shell: SandboxShell = async (_pod, script, input) => {
    scripts.push(script);
    if (broken === 'afterwards') await room.shell(script, input);
    if (broken !== false) throw new Error('the sandbox is busy');
    return room.shell(script, input);
  };
  const copies = new WatchedCopies(shell, LIMITS, log);
  t.after(() => copies.stop('pod'));
  const volume = (name: string, files: Record<string, string>) => createConfigVolume(pods, 'uid', name, files);
  const shown = (number: number, key: string) =>
    fs.readFileSync(path.join(room.root, `/crib/volumes/${number}`, key), 'utf8');
  const setBroken = (value: typeof broken) => {
    broken = value;
  };
  return { room, copies, scripts, lines, volume, shown, setBroken };
}

test('copies are filled in one call, follow each swap, and stand still once they are let go', async (t) => {
  const { room, copies, scripts, volume, shown } = await stage(t);
  const one = { directory: await volume('one', { a: '1' }), target: room.target(1) };
  const two = { directory: await volume('two', { b: '1' }), target: room.target(2) };
  await copies.start(POD, [one, two]);
  assert.deepEqual([shown(1, 'a'), shown(2, 'b')], ['1', '1']);
  assert.equal(scripts.length, 1);
  await volume('one', { a: '2', c: 'new' });
  await until(() => shown(1, 'a') === '2', 'the first swap arrives');
  await until(() => fs.existsSync(path.join(room.root, '/crib/volumes/1/c')), 'links of new keys follow the swap');
  assert.equal(shown(1, 'c'), 'new');
  await volume('two', { b: '2' });
  await until(() => shown(2, 'b') === '2', 'a swap of the other volume arrives');
  copies.stop('pod');
  const before = scripts.length;
  await volume('one', { a: '3' });
  await volume('one', { a: '4' });
  assert.equal(scripts.length, before);
  assert.equal(shown(1, 'a'), '2');
});

test('after a restart only what changed meanwhile is handed on, also where the sandbox answers late', async (t) => {
  const { room, copies, scripts, volume, shown, setBroken } = await stage(t);
  const one = { directory: await volume('one', { a: '1' }), target: room.target(1) };
  await copies.start(POD, [one]);
  copies.close();
  copies.takeUp(POD, [one]);
  await until(() => scripts.length === 2, 'it is asked what is shown');
  copies.close();
  setBroken(true);
  await volume('one', { a: '2' });
  copies.takeUp(POD, [one]);
  await until(() => scripts.length === 3, 'the sandbox is asked again');
  setBroken(false);
  await until(() => shown(1, 'a') === '2', 'it is tried again');
});

test('a sandbox that does not answer is tried again; the log says so', async (t) => {
  const { room, copies, lines, volume, shown, setBroken } = await stage(t);
  const one = { directory: await volume('one', { a: '1' }), target: room.target(1) };
  await copies.start(POD, [one]);
  setBroken(true);
  await volume('one', { a: '2' });
  await until(() => lines.some(({ fields }) => String(fields.error).includes('busy')), 'the failure is logged');
  setBroken(false);
  await until(() => shown(1, 'a') === '2', 'it is tried again');
});

test('a tree that was shown before the call failed is not sent again', async (t) => {
  const { room, copies, scripts, lines, volume, shown, setBroken } = await stage(t);
  const one = { directory: await volume('one', { a: '1' }), target: room.target(1) };
  await copies.start(POD, [one]);
  setBroken('afterwards');
  await volume('one', { a: '2' });
  await until(() => lines.length > 0, 'the failure is logged');
  assert.equal(shown(1, 'a'), '2');
  setBroken(false);
  await volume('one', { a: '3' });
  await until(() => shown(1, 'a') === '3', 'the next swap arrives');
  assert.equal(scripts.filter((script) => script.includes('tar')).length, 3, 'one for each tree');
});

test('a volume that outgrew every limit keeps its last copy, and holds up no other', async (t) => {
  const { room, copies, lines, volume, shown } = await stage(t);
  const one = { directory: await volume('one', { a: '1' }), target: room.target(1) };
  const two = { directory: await volume('two', { b: '1' }), target: room.target(2) };
  await copies.start(POD, [one, two]);
  await volume('one', { a: 'x'.repeat(5 * LIMITS.bytes) });
  await until(() => lines.some(({ fields }) => String(fields.error).includes('larger')), 'the failure is logged');
  await volume('two', { b: '2' });
  await until(() => shown(2, 'b') === '2', 'the other goes on');
  assert.equal(shown(1, 'a'), '1');
});

test('where the first filling fails nothing is watched', async (t) => {
  const { room, copies, scripts, volume, setBroken } = await stage(t);
  setBroken(true);
  const one = { directory: await volume('one', { a: '1' }), target: room.target(1) };
  await assert.rejects(copies.start(POD, [one]), /busy/);
  const before = scripts.length;
  await volume('one', { a: '2' });
  assert.equal(scripts.length, before);
});

test('a directory that cannot be watched is polled', async (t) => {
  const { room, copies, lines, volume, shown } = await stage(t);
  t.mock.method(fs, 'watch', () => {
    throw new Error('ENOSPC: System limit for number of file watchers reached');
  });
  const one = { directory: await volume('one', { a: '1' }), target: room.target(1) };
  await copies.start(POD, [one]);
  assert.equal(lines.filter(({ message }) => message.includes('polled')).length, 1);
  await volume('one', { a: '2' });
  await until(() => shown(1, 'a') === '2', 'the swap is found');
});

test('a volume whose watch fails later is polled from then on', async (t) => {
  const { room, copies, volume, shown } = await stage(t);
  const watchers: EventEmitter[] = [];
  const { mock } = t.mock.method(fs, 'watch', () => {
    const watcher = Object.assign(new EventEmitter(), { close: () => undefined });
    watchers.push(watcher);
    return watcher;
  });
  const one = { directory: await volume('one', { a: '1' }), target: room.target(1) };
  await copies.start(POD, [one]);
  mock.restore();
  await volume('one', { a: '2' });
  watchers[0]?.emit('error', new Error('no more watches'));
  await until(() => shown(1, 'a') === '2', 'the swap arrives');
});
