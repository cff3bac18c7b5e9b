import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createKept, silentStdio, stdioOf } from '../../../sandbox/kept/create-kept.js';
import { daemon, withKeeper } from '../../runtime/keeper/harness.js';
import { recordingLog } from '../../support/log.js';
import { containerRecord } from '../../support/records.js';

const LIMIT = { timeout: 60_000 };
const OWNER = { uid: 0, gid: 0 };

test('it runs with an environment of its own, its files below the bundle', LIMIT, () =>
  withKeeper(async ({ client, state, exitOf }) => {
    const bundle = path.join(state, 'bundle');
    fs.mkdirSync(bundle);
    const logPath = path.join(state, 'log');
    const stdio = { ...silentStdio(OWNER), logPath };
    const request = {
      id: 'one',
      bundle,
      createArgv: daemon('env | cut -d= -f1 | sort; exit 4'),
      stdio,
      cgroupDirs: [],
    };
    const made = await createKept({ keeper: client, log: recordingLog().log }, request, () => assert.fail());
    assert.equal(made.directory, path.join(bundle, 'io'));
    assert.equal((await exitOf('one')).exit?.exitCode, 4);
    const names = fs
      .readFileSync(logPath, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[3]);
    const ofTheShell = ['_', 'SHLVL', 'PWD', 'OLDPWD'];
    assert.deepEqual(
      names.filter((name = '') => !ofTheShell.includes(name)),
      ['PATH', '_LIBCONTAINER_STATEDIR'],
    );
  }),
);

test('what fails is cleared away once, and its own error is told, also when that cannot be', LIMIT, () =>
  withKeeper(async ({ client, state }) => {
    const bundle = path.join(state, 'bundle');
    fs.mkdirSync(bundle);
    fs.writeFileSync(path.join(bundle, 'runtime.log'), '{"level":"error","msg":"no such rootfs"}\n');
    const request = { id: 'one', bundle, createArgv: ['false'], stdio: silentStdio(OWNER), cgroupDirs: [] };
    const { log, lines } = recordingLog();
    let cleared = 0;
    const clear = async () => {
      cleared += 1;
      if (cleared === 2) throw new Error('busy');
    };
    const failure = { message: 'creating container one: no such rootfs' };
    await assert.rejects(createKept({ keeper: client, log }, request, clear), failure);
    assert.deepEqual(lines, []);
    await assert.rejects(createKept({ keeper: client, log }, request, clear), failure);
    assert.equal(cleared, 2);
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields]),
      [['warn', { id: 'one', error: 'busy' }]],
    );
  }),
);

test('stdio as the container asks for it, owned by its user as the host has it', () => {
  const record = containerRecord('c', 'p', {
    logPath: '/log',
    user: { uid: 7, gid: 8, additionalGids: [], home: '/' },
  });
  const config = { ...record.config, tty: true, stdin: true, stdinOnce: true };
  assert.deepEqual(stdioOf({ ...record, config }), {
    ...{ tty: true, stdin: true, stdinOnce: true, uid: 7, gid: 8, logPath: '/log', maxLineBytes: 16384 },
  });
});
