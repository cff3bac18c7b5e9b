import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { findHierarchies } from '../../../runtime/cgroups/hierarchies.js';
import {
  fewProcessesBelow,
  isDirectory,
  killBelow,
  processesBelow,
  removeBelow,
  subtree,
} from '../../../runtime/cgroups/subtree.js';
import { mount, unmount } from '../../../runtime/linux/mounts.js';
import { until } from '../../support/until.js';

/** A hierarchy that is mounted here. */
function hierarchy(): string {
  const { controllers, unified } = findHierarchies(fs.readFileSync('/proc/self/mountinfo', 'utf8'));
  return controllers.get('pids') ?? unified ?? assert.fail('no hierarchy of cgroups');
}

const base = path.join(hierarchy(), `crib-subtree-test-${process.pid}`);
const own = fs.readFileSync('/proc/self/cgroup', 'utf8');
const children: ChildProcess[] = [];
const steps = { before: async () => undefined, after: async () => undefined };

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  await until(() => processesOf(base) === '', 'all have left');
  await removeBelow(base);
});

const processesOf = (directory: string) => fs.readFileSync(`${directory}/cgroup.procs`, 'utf8');

function make(...names: readonly string[]): string {
  const directory = path.join(base, ...names);
  fs.mkdirSync(directory, { recursive: true });
  return directory;
}

/** A shell in `directory`, and what `script` starts there. */
async function inside(directory: string, script: string): Promise<number> {
  const child = spawn('sh', ['-c', `echo $$ >"$0" && ${script}`, `${directory}/cgroup.procs`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await once(child.stdout ?? assert.fail(), 'data');
  return child.pid ?? assert.fail();
}

test('what is not there has nothing below it, and is killed and removed without complaint', async () => {
  const none = path.join(base, 'none');
  assert.deepEqual([await subtree(none), await processesBelow(none), fewProcessesBelow(none)], [[], [], []]);
  await killBelow(none, steps);
  await removeBelow(none);
  assert.equal(await isDirectory(none), false);
  assert.equal(await isDirectory('/proc/self/cgroup'), false);
});

test('parents stand before their children, and many are still found', async () => {
  const root = make('many');
  for (let index = 0; index < 40; index++) make('many', `c${index}`, 'below');
  const found = await subtree(root);
  assert.equal(found.length, 81);
  for (const [index, directory] of found.entries()) {
    if (index > 0) assert.ok(found.indexOf(path.dirname(directory)) < index);
  }
  assert.equal(fewProcessesBelow(root), undefined, 'too many for a moment');
  await removeBelow(root);
  assert.equal(fs.existsSync(root), false);
});

test('all below are killed, also what starts others as it is killed, and only then can it be removed', async () => {
  const [root, below] = [make('full'), make('full', 'a', 'b')];
  const first = await inside(root, 'echo up; while :; do sleep 1000 & sleep 0.01; done');
  const second = await inside(below, 'echo up; sleep 1000 & sleep 1000');
  const pids = await processesBelow(root);
  assert.ok(pids.includes(first) && pids.includes(second) && pids.length >= 4, pids.join());
  assert.deepEqual((fewProcessesBelow(below) ?? []).sort(), (await processesBelow(below)).sort());
  await assert.rejects(removeBelow(below, 50), {
    code: 'FAILED_PRECONDITION',
    message: /b is busy; it holds \d processes/,
  });
  await killBelow(root, steps);
  assert.deepEqual(await processesBelow(root), []);
  await removeBelow(root);
  assert.equal(fs.existsSync(root), false);
});

test('this process is never signalled: a cgroup that holds nothing else says so', async () => {
  const root = make('own');
  const before = own
    .split('\n')
    .map((line) => line.split(':'))
    .find(([, names = '']) => names === 'pids' || names === '');
  fs.writeFileSync(`${root}/cgroup.procs`, String(process.pid));
  try {
    const other = await inside(root, 'echo up; exec sleep 1000');
    await assert.rejects(killBelow(root, steps), {
      code: 'FAILED_PRECONDITION',
      message: new RegExp(`pid ${process.pid}, which crib never`),
    });
    await until(() => !processesOf(root).split('\n').includes(String(other)), 'the other one is killed');
  } finally {
    fs.writeFileSync(path.join(hierarchy(), before?.[2] ?? '/', 'cgroup.procs'), String(process.pid));
  }
  await removeBelow(root);
});

test('a tree of directories that are no cgroups is left as it is', async () => {
  const plain = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-no-cgroup-'));
  fs.mkdirSync(path.join(plain, 'dir'));
  fs.writeFileSync(path.join(plain, 'dir', 'file'), '');
  fs.symlinkSync('/sys/fs/cgroup', path.join(plain, 'link'));
  assert.deepEqual(await subtree(plain), [plain, `${plain}/dir`], 'a symlink is no child');
  await assert.rejects(removeBelow(plain), { code: 'ENOTEMPTY' });
  assert.ok(fs.existsSync(path.join(plain, 'dir', 'file')));
  fs.rmSync(plain, { recursive: true });
});

test('a clock that is set while a busy cgroup is removed does not end the attempts', async (t) => {
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-subtree-'));
  t.after(() => fs.rmSync(parent, { recursive: true, force: true }));
  const busy = path.join(parent, 'busy');
  fs.mkdirSync(busy);
  mount('tmpfs', busy, 'tmpfs', 0); // rmdir(2) of a mount point is EBUSY, as of a cgroup with a process
  setTimeout(() => unmount(busy), 50);
  let jumps = 0;
  t.mock.method(Date, 'now', () => ++jumps * 3_600_000);
  await removeBelow(busy);
  assert.equal(fs.existsSync(busy), false);
});
