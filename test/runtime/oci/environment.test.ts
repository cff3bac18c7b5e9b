import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MS } from '../../../runtime/linux/constants.js';
import { mount } from '../../../runtime/linux/mounts.js';
import { findExecutable } from '../../../runtime/oci/discover.js';
import { RUNTIME_ENVIRONMENT, removeCopies, withCopiesIn } from '../../../runtime/oci/environment.js';

function scratch(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'crib-copies-'));
}

function mountsBelow(directory: string): number {
  return fs
    .readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${directory}/`)).length;
}

test('what a killed crun leaves goes, mounted or not, of the container and of its execs; nothing else does', (t) => {
  const directory = scratch();
  t.after(() => fs.rmSync(directory, { recursive: true }));
  fs.mkdirSync(path.join(directory, 'exec-0123456789abcdef.copies'));
  for (const name of ['crun.AbC123', 'exec-0123456789abcdef.copies/crun.x9x9x9', 'crun.000000', 'crun.json', 'other']) {
    fs.writeFileSync(path.join(directory, name), '');
  }
  for (const name of ['crun.AbC123', 'exec-0123456789abcdef.copies/crun.x9x9x9']) {
    mount(process.execPath, path.join(directory, name), '', MS.BIND, '');
  }
  assert.equal(mountsBelow(directory), 2);
  removeCopies(directory);
  assert.equal(mountsBelow(directory), 0);
  assert.deepEqual(fs.readdirSync(directory), ['crun.json', 'exec-0123456789abcdef.copies', 'other']);
  removeCopies(directory);
  removeCopies(path.join(directory, 'nowhere'));
});

const crun = await findExecutable('crun');

test('a crun that is killed leaves what it leaves where it is told to', { skip: crun === undefined }, async (t) => {
  const directory = scratch();
  t.after(() => {
    removeCopies(directory);
    fs.rmSync(directory, { recursive: true });
  });
  const before = fs.readdirSync('/tmp').filter((name) => name.startsWith('crun.'));
  const made = new Promise<string>((resolve) => {
    const watcher = fs.watch(directory, (_event, name) => {
      watcher.close();
      resolve(name ?? '');
    });
  });
  // Killed or not, one comes by here.
  const child = spawn(crun ?? '', ['--root', directory, 'list'], { env: withCopiesIn(directory), stdio: 'ignore' });
  const ended = once(child, 'exit');
  assert.match(await made, /^crun\.[A-Za-z0-9]{6}$/);
  child.kill('SIGKILL');
  await ended;
  const after = fs.readdirSync('/tmp').filter((name) => name.startsWith('crun.'));
  assert.deepEqual(after, before);
  assert.deepEqual(Object.keys(RUNTIME_ENVIRONMENT), ['PATH']);
});
