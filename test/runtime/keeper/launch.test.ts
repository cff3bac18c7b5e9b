import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { launchKeeper } from '../../../runtime/keeper/launch.js';

let root = '';
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-launch-'));
});
afterEach(() => fs.rmSync(root, { recursive: true }));

test('it runs in a session of its own, at /, with no more of the environment than it needs, and speaks to its log', async () => {
  const program = path.join(root, 'program.cjs');
  const code = `
    const stat = require('fs').readFileSync('/proc/self/stat', 'latin1').split(') ')[1].split(' ');
    console.log(JSON.stringify({ session: Number(stat[3]) === process.pid, cwd: process.cwd(),
      argv: process.argv.slice(2), env: Object.keys(process.env).sort(), soft: process.env.CRIB_NOFILE_SOFT }));
    console.error('and its errors');`;
  fs.writeFileSync(program, code);
  const state = path.join(root, 'a', 'state');
  process.env.CRIB_SECRET = 'not for the keeper';
  const child = launchKeeper(state, program);
  child.ref();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  delete process.env.CRIB_SECRET;
  const log = path.join(state, 'keeper.log');
  const [line = '', errors] = fs.readFileSync(log, 'utf8').split('\n');
  assert.deepEqual(JSON.parse(line), {
    session: true,
    cwd: '/',
    argv: ['--state', state],
    env: ['CRIB_NOFILE_SOFT', 'MALLOC_ARENA_MAX', 'PATH', 'UV_THREADPOOL_SIZE'],
    soft: '1024',
  });
  assert.equal(errors, 'and its errors');
  assert.deepEqual([fs.statSync(log).mode & 0o777, fs.statSync(state).mode & 0o777], [0o600, 0o711]);
});

/** Nobody else waits for it: it is not referenced. */
async function ended(child: ChildProcess): Promise<void> {
  child.ref();
  await once(child, 'exit');
}

test('a log that has grown beyond a mebibyte starts anew; a symlink in its place is refused', async () => {
  const program = path.join(root, 'program.cjs');
  fs.writeFileSync(program, `console.log('started')`);
  const log = path.join(root, 'keeper.log');
  fs.writeFileSync(log, 'x'.repeat(1024 * 1024 + 1));
  await ended(launchKeeper(root, program));
  assert.equal(fs.readFileSync(log, 'utf8'), 'started\n');
  await ended(launchKeeper(root, program));
  assert.equal(fs.readFileSync(log, 'utf8'), 'started\nstarted\n');
  fs.rmSync(log);
  fs.symlinkSync('/dev/null', log);
  assert.throws(() => launchKeeper(root, program), { code: 'ELOOP' });
});

test('descriptors are inherited by container, with hardly more open than they are', async () => {
  const launch = new URL('../../../runtime/keeper/launch.js', import.meta.url).href;
  const program = path.join(root, 'program.cjs');
  const told = path.join(root, 'told.json');
  fs.writeFileSync(
    program,
    `const fs = require('fs');
    const file = Number(process.argv.at(-1));
    const text = Buffer.alloc(fs.fstatSync(file).size);
    fs.readSync(file, text, 0, text.length, 0);
    const { containers } = JSON.parse(text.toString());
    const names = containers.map(({ id, descriptors }) =>
      [id, ...Object.entries(descriptors).map(([name, fd]) => name + ' ' + require('path').basename(fs.readlinkSync('/proc/self/fd/' + fd)))]);
    fs.writeFileSync(${JSON.stringify(told)}, JSON.stringify({ argv: process.argv.slice(2), names }));`,
  );
  const script = `
    const fs = await import('node:fs');
    const { launchKeeper } = await import(${JSON.stringify(launch)});
    const open = (name) => fs.openSync(${JSON.stringify(root)} + '/' + name, 'w');
    const fds = Array.from({ length: 150 }, (_, index) => open('f' + index));
    const held = new Map(Array.from({ length: 75 }, (_, index) =>
      ['c' + index, { stdout: fds[149 - index], pidfd: fds[(index * 7) % 75] }]));
    const child = launchKeeper(${JSON.stringify(root)}, ${JSON.stringify(program)}, held);
    child.ref();
    child.once('error', (error) => console.error(error));
    child.once('exit', (code) => { process.exitCode = code; });`;
  const limited = 'ulimit -n 230 && exec "$@"';
  const argv = ['-c', limited, 'sh', process.execPath, '--input-type=module', '-e', script];
  const { status, stderr } = spawnSync('sh', argv, { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  const { argv: args, names } = JSON.parse(fs.readFileSync(told, 'utf8')) as { argv: string[]; names: string[][] };
  assert.deepEqual(args, ['--state', root, '--handover', '3']);
  assert.equal(names.length, 75);
  for (const [id = '', ...files] of names) {
    const index = Number(id.slice(1));
    assert.deepEqual(files.sort(), [`pidfd f${(index * 7) % 75}`, `stdout f${149 - index}`]);
  }
});
