import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { CLONE } from '../../../runtime/linux/constants.js';
import { setNamespace, threadId, unshare, withEffectiveUser } from '../../../runtime/linux/namespaces.js';
import { inThread } from './thread.js';

test('a thread has namespaces of its own, those it left it can enter again, and this one stays where it was', async () => {
  const here = os.hostname();
  const said = await inThread<Record<string, string>>(`
    const { unshare, setNamespace, setHostname } = await linux('namespaces');
    const fs = await import('node:fs');
    const os = await import('node:os');
    const home = fs.openSync('/proc/thread-self/ns/uts');
    unshare(${CLONE.NEWUTS});
    const own = fs.readlinkSync('/proc/thread-self/ns/uts');
    setHostname('ö'.repeat(32));
    const named = os.hostname();
    let tooLong = '';
    try { setHostname('x'.repeat(65)); } catch (error) { tooLong = error.code; }
    setNamespace(home, ${CLONE.NEWUTS});
    return { own, named, tooLong, back: os.hostname() };
  `);
  assert.equal(said.named, 'ö'.repeat(32), 'the length is one of bytes');
  assert.equal(said.tooLong, 'EINVAL');
  assert.equal(said.back, here);
  assert.notEqual(said.own, fs.readlinkSync('/proc/self/ns/uts'));
  assert.equal(os.hostname(), here);
});

test('the id of a thread is that of the kernel', async () => {
  assert.equal(threadId(), process.pid);
  const id = await inThread<number>(`return (await linux('namespaces')).threadId();`);
  assert.notEqual(id, process.pid);
});

test('what is no namespace, or one of another kind, is refused', () => {
  const uts = fs.openSync('/proc/self/ns/uts', 'r');
  const file = fs.openSync('/dev/null', 'r');
  try {
    assert.throws(() => setNamespace(uts, CLONE.NEWNET), { code: 'EINVAL', syscall: 'setns' });
    assert.throws(() => setNamespace(file, 0), { code: 'EINVAL' });
    assert.throws(() => unshare(CLONE.NEWUSER), { code: 'EINVAL' }, 'a process of several threads');
  } finally {
    fs.closeSync(uts);
    fs.closeSync(file);
  }
});

test('another effective user has its rights for the length of the action, also of one that throws', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-effective-'));
  try {
    fs.chmodSync(directory, 0o755);
    assert.throws(() => withEffectiveUser(65534, () => fs.mkdirSync(path.join(directory, 'refused'))), {
      code: 'EACCES',
    });
    fs.chmodSync(directory, 0o777);
    withEffectiveUser(65534, () => fs.mkdirSync(path.join(directory, 'made')));
    assert.equal(fs.statSync(path.join(directory, 'made')).uid, 65534);
    fs.mkdirSync(path.join(directory, 'mine'));
    assert.equal(fs.statSync(path.join(directory, 'mine')).uid, process.geteuid?.());
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});

test('after chroot the root is the directory', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-chroot-'));
  try {
    fs.writeFileSync(path.join(directory, 'only'), '');
    const module = new URL('../../../runtime/linux/namespaces.js', import.meta.url).href;
    const code = `
      const { chroot } = await import(${JSON.stringify(module)});
      const fs = await import('node:fs');
      chroot(${JSON.stringify(directory)});
      process.chdir('/');
      fs.writeSync(1, fs.readdirSync('/').join() + ' ' + fs.readdirSync('..').join());
    `;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    assert.equal(child.stdout, 'only only', child.stderr);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});
