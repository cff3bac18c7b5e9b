import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import { openPath } from '../../../runtime/linux/mounts.js';
import { MountTable } from '../../../volumes/mount-table.js';
import { SharedDirectory, type StagedMount } from '../../../volumes/shared/shared-directory.js';
import { recordingLog } from '../../support/log.js';
import { makeTemporary, mountCommand, removeTemporary } from '../fixture.js';

const WRITABLE: StagedMount = { readonly: false, propagation: 'private' };
let root = '';
let volume = '';
let { log, lines } = recordingLog();
let share: SharedDirectory;
const at = (...names: string[]) => path.join(root, ...names);
const mountsBelow = async (directory: string) => (await MountTable.read()).below(directory);

beforeEach(() => {
  root = makeTemporary();
  ({ log, lines } = recordingLog());
  share = new SharedDirectory(at('pod', 'share'), { pod: 'p', log });
  volume = at('volume');
  fs.mkdirSync(volume);
});
afterEach(() => removeTemporary(root));

function stage(entry: string, source: string, mount = WRITABLE): string {
  const fd = openPath(source);
  try {
    return share.stage(entry, fd, mount);
  } finally {
    fs.closeSync(fd);
  }
}

it('shows what is staged, writable or read-only, under a top that is read-only', async () => {
  await share.open();
  await share.open();
  fs.writeFileSync(at('file'), 'text');
  const writable = stage('writable', volume);
  const readonly = stage('readonly', volume, { ...WRITABLE, readonly: true });
  assert.equal(fs.readFileSync(stage('file', at('file')), 'utf8'), 'text');
  assert.equal(writable, path.join(share.shared, 'writable'));
  fs.writeFileSync(path.join(writable, 'from-guest'), '');
  assert.ok(fs.existsSync(path.join(volume, 'from-guest')));
  assert.throws(() => fs.writeFileSync(path.join(readonly, 'x'), ''), { code: 'EROFS' });
  assert.throws(() => fs.writeFileSync(path.join(share.shared, 'x'), ''), { code: 'EROFS' });
  assert.deepEqual(share.entries().sort(), ['file', 'readonly', 'writable']);
  await share.unstage('writable');
  await share.unstage('writable');
  assert.equal(fs.existsSync(writable), false);
  await share.close();
  await share.close();
  assert.deepEqual(await mountsBelow(at('pod')), []);
  assert.deepEqual(fs.readdirSync(at('pod')), []);
  assert.ok(fs.existsSync(path.join(volume, 'from-guest')));
  assert.deepEqual(lines, []);
});

it('read-only holds for the mounts below where that is asked, and they can be left out', async () => {
  await share.open();
  fs.mkdirSync(path.join(volume, 'sub'));
  mountCommand('-t', 'tmpfs', 'tmpfs', path.join(volume, 'sub'));
  fs.writeFileSync(path.join(volume, 'sub', 'seen'), '');
  const readonly = { ...WRITABLE, readonly: true };
  fs.writeFileSync(path.join(stage('top', volume, readonly), 'sub', 'x'), '');
  const all = stage('all', volume, { ...readonly, recursiveReadOnly: true });
  assert.throws(() => fs.writeFileSync(path.join(all, 'sub', 'y'), ''), { code: 'EROFS' });
  const alone = stage('alone', volume, { ...WRITABLE, alone: true });
  assert.deepEqual(fs.readdirSync(path.join(alone, 'sub')), []);
  await share.close();
  assert.deepEqual(
    fs.readdirSync(path.join(volume, 'sub')).sort(),
    ['seen', 'x'],
    'what is mounted below the source stays',
  );
});

it('passes on what is mounted below the source later only where that is asked', async () => {
  mountCommand('--bind', volume, volume);
  mountCommand('--make-shared', volume);
  fs.mkdirSync(path.join(volume, 'late'));
  await share.open();
  const slave = stage('slave', volume, { readonly: false, propagation: 'host-to-container' });
  const apart = stage('private', volume);
  mountCommand('-t', 'tmpfs', 'tmpfs', path.join(volume, 'late'));
  fs.writeFileSync(path.join(volume, 'late', 'seen'), '');
  assert.ok(fs.existsSync(path.join(slave, 'late', 'seen')));
  assert.equal(fs.existsSync(path.join(apart, 'late', 'seen')), false);
  await share.close();
  assert.ok(fs.existsSync(path.join(volume, 'late', 'seen')));
});

it('stages what was opened, whatever its name means by then, and refuses a name that is taken or is a path', async () => {
  await share.open();
  fs.writeFileSync(path.join(volume, 'mine'), '');
  const fd = openPath(volume);
  fs.renameSync(volume, at('moved'));
  fs.symlinkSync('/etc', volume);
  assert.deepEqual(fs.readdirSync(share.stage('v', fd, WRITABLE)), ['mine']);
  assert.throws(() => share.stage('v', fd, WRITABLE), { code: 'ALREADY_EXISTS' });
  for (const name of ['..', 'a/b', ''])
    assert.throws(() => share.stage(name, fd, WRITABLE), { code: 'INVALID_ARGUMENT' });
  fs.closeSync(fd);
  assert.deepEqual(share.entries(), ['v']);
});

it('takes out a rootfs with mounts stacked on it and a link that was put in its place, and reports all that fails', async () => {
  await share.open();
  const rootfs = stage('c1', volume);
  mountCommand('--bind', at('volume'), at('pod', 'share', 'mounts', 'c1'));
  await share.unstage('c1');
  assert.equal(fs.existsSync(rootfs), false);
  // Only crib itself could make one in mounts/: the guest has no way there.
  fs.mkdirSync(at('precious'));
  fs.writeFileSync(at('precious', 'file'), '');
  fs.symlinkSync(at('precious'), at('pod', 'share', 'mounts', 'c2'));
  fs.symlinkSync(at('precious', 'file'), at('pod', 'share', 'mounts', 'c3'));
  for (const stuck of ['full1', 'full2']) fs.mkdirSync(at('pod', 'share', 'mounts', stuck, 'x'), { recursive: true });
  stage('good', volume);
  await assert.rejects(share.close(), { code: 'FAILED_PRECONDITION', message: /full1.*ENOTEMPTY.*full2.*ENOTEMPTY/ });
  assert.deepEqual(share.entries().sort(), ['full1', 'full2']);
  assert.ok(fs.existsSync(at('precious', 'file')));
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.pod, fields.where]),
    ['c2', 'c3'].map((name) => ['error', 'p', at('pod', 'share', 'mounts', name)]),
  );
  assert.match(String(lines[0]?.fields.found), /a symlink to .*precious$/);
});

it('makes anew what a crash left half made, at each step of it', async () => {
  await share.open();
  stage('v', volume);
  await new SharedDirectory(at('pod', 'share'), { pod: 'p', log }).open();
  assert.deepEqual(share.entries(), ['v'], 'one that is whole is kept');
  const steps: (() => void)[] = [
    () => mountCommand('--make-private', at('pod', 'share')),
    () => fs.mkdirSync(at('pod', 'share')),
    () => {
      fs.mkdirSync(at('pod', 'share'));
      mountCommand('-t', 'tmpfs', 'tmpfs', at('pod', 'share'));
    },
    () => {
      fs.mkdirSync(at('pod', 'share'));
      mountCommand('-t', 'tmpfs', 'tmpfs', at('pod', 'share'));
      for (const name of ['mounts', 'shared']) fs.mkdirSync(at('pod', 'share', name));
      mountCommand('--bind', at('pod', 'share', 'mounts'), at('pod', 'share', 'mounts'));
      mountCommand('--make-shared', at('pod', 'share', 'mounts'));
      fs.mkdirSync(at('pod', 'share', 'mounts', 'unmounted'));
    },
  ];
  for (const step of steps) {
    step();
    await share.open();
    stage('again', volume);
    await share.close();
    assert.deepEqual(await mountsBelow(at('pod')), []);
    assert.deepEqual(fs.readdirSync(at('pod')), []);
  }
});

it('a link in place of the directory itself is an attack and not followed', async () => {
  fs.mkdirSync(at('pod'));
  fs.mkdirSync(at('precious', 'mounts'), { recursive: true });
  fs.symlinkSync(at('precious'), at('pod', 'share'));
  await share.open();
  stage('v', volume);
  assert.ok(fs.lstatSync(at('pod', 'share')).isDirectory());
  assert.deepEqual(fs.readdirSync(at('precious')), ['mounts']);
  assert.match(String(lines[0]?.fields.found), /a symlink to .*precious$/);
  await share.close();
});
