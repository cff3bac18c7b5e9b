import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogFile } from '../../../runtime/keeper/log-file.js';
import { LineFormatter } from '../../../runtime/keeper/log-format.js';
import { linesOf } from './harness.js';

test('what a full disk made to be dropped is counted in the log', { timeout: 20_000 }, async () => {
  const disk = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-log-'));
  assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'crib-test', disk]).status, 0);
  try {
    const log = new LogFile(path.join(disk, 'a', 'x.log'), { blockMs: 200 });
    await log.open();
    const formatter = new LineFormatter(log, 'stdout', 16384);
    const line = Buffer.from(`${'y'.repeat(999)}\n`);
    let pushed = 0;
    for (let held = false; !held; pushed++) {
      formatter.push(line, line.length);
      held = log.commit();
    }
    await new Promise<void>((resolve) => log.whenDrained(resolve));
    assert.equal(log.dropping, true);
    log.drop(4321);
    assert.equal(spawnSync('mount', ['-o', 'remount,size=16m', disk]).status, 0);
    while (log.dropping) await sleep(20);
    formatter.push(line, line.length);
    log.commit();
    await log.flush(5000);
    log.close();
    const contents = linesOf(fs.readFileSync(log.path, 'latin1')).map(([, , text]) => text);
    assert.equal(contents.length, pushed + 2);
    assert.equal(contents.at(-2), '[crib: 4321 bytes of output dropped: disk full]');
    assert.ok(contents.toSpliced(-2, 1).every((text) => text === 'y'.repeat(999)));
  } finally {
    spawnSync('umount', ['-l', disk]);
    fs.rmdirSync(disk);
  }
});

test('a log that is no regular file, or a symlink, is refused', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-log-'));
  try {
    fs.symlinkSync('/dev/null', path.join(root, 'link'));
    for (const file of [path.join(root, 'link'), '/dev/null', root]) {
      await assert.rejects(new LogFile(file).open(), { code: 'FAILED_PRECONDITION' });
    }
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});

test('a log directory that cannot be made is said, and not tried for ever', async () => {
  const file = path.join(os.tmpdir(), `crib-log-${process.pid}`);
  fs.writeFileSync(file, '');
  await assert.rejects(new LogFile(`${file}/x/a.log`).open(), { code: 'FAILED_PRECONDITION' });
  fs.rmSync(file);
  const inProc = { code: 'FAILED_PRECONDITION', message: /^opening log \/proc\/crib\/x\.log: ENOENT/ };
  await assert.rejects(new LogFile('/proc/crib/x.log').open(), inProc);
});

test('one that is closed while it is reopened leaves nothing open', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-log-'));
  const log = new LogFile(path.join(root, 'x.log'));
  await log.open();
  const reopening = log.reopen();
  log.close();
  await reopening;
  const open = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // the one that lists them
    }
  });
  assert.deepEqual(
    open.filter((file) => file.startsWith(root)),
    [],
  );
  fs.rmSync(root, { recursive: true });
});
