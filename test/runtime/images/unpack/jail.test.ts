import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const JAIL = new URL('../../../../runtime/images/unpack/jail.js', import.meta.url).href;

const ENTER = (directory: string, parentPid: number) => `enterJail(${JSON.stringify(directory)}, ${parentPid});`;

/** Into the open jail, and there from one directory to the next. */
const ENTER_OPEN = (directory: string, parentPid: number) => `
  const trees = ['first', 'second'].map((name) => {
    fs.mkdirSync(${JSON.stringify(directory)} + '/' + name);
    return cloneTree(-100, ${JSON.stringify(directory)} + '/' + name, false);
  });
  enterOpenJail(${parentPid});`;

function inJail(body: string, parentPid = process.pid, enter = ENTER) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-jail-'));
  fs.writeFileSync(path.join(directory, 'mine'), '');
  fs.mkdirSync(path.join(directory, 'proc'));
  const code = `
    const fs = await import('node:fs');
    const os = await import('node:os');
    const { enterJail, enterOpenJail, enterTree } = await import(${JSON.stringify(JAIL)});
    const { chroot, unshare } = await import(${JSON.stringify(JAIL.replace('images/unpack/jail', 'linux/namespaces'))});
    const { cloneTree, mount } = await import(${JSON.stringify(JAIL.replace('images/unpack/jail', 'linux/mounts'))});
    const attempt = (what) => { try { what(); return 'done'; } catch (error) { return error.code; } };
    ${enter(directory, parentPid)}
    ${body}
  `;
  try {
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    return { status: child.status, said: child.stdout, errors: child.stderr, left: fs.readdirSync(directory) };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

test('inside there is the directory and nothing else: no network, no further privileges, no way out', () => {
  const { said, errors, left } = inJail(`
    mount('', '/proc', 'proc', 0);
    const status = fs.readFileSync('/proc/self/status', 'latin1');
    const field = (name) => new RegExp('^' + name + ':\\\\s+(\\\\S+)', 'm').exec(status)[1];
    fs.writeFileSync('/made', '', { mode: 0o666 });
    fs.chownSync('/made', 7, 7);
    fs.writeSync(1, JSON.stringify({
      root: fs.readdirSync('/').filter((name) => name !== 'proc'),
      cwd: process.cwd(),
      network: os.networkInterfaces(),
      mode: fs.statSync('/made').mode & 0o777,
      escape: attempt(() => chroot('/proc')),
      bind: attempt(() => fs.readFileSync('/etc/passwd')),
      bounds: [field('CapEff'), field('CapPrm'), field('NoNewPrivs')],
    }));
  `);
  const found = JSON.parse(said || JSON.stringify(errors));
  assert.deepEqual(found, {
    root: ['made', 'mine'],
    cwd: '/',
    network: {},
    mode: 0o666,
    escape: 'EPERM',
    bind: 'ENOENT',
    // CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID; SYS_ADMIN; MKNOD; SETFCAP
    bounds: ['000000008820001f', '000000008820001f', '1'],
  });
  assert.deepEqual(left, ['made', 'mine', 'proc']);
});

test('from one directory to the next: each holds itself and nothing else, and a second chroot does not lead out', () => {
  const body = `
    const said = [];
    for (const [index, tree] of trees.entries()) {
      enterTree(tree);
      fs.mkdirSync('/made' + index);
      chroot('/made' + index); // the working directory is outside of it now
      for (let up = 0; up < 20; up++) process.chdir('..');
      said.push(fs.readdirSync('.'), fs.readdirSync('/'));
      chroot('.');
      said.push(fs.readdirSync('/'), attempt(() => fs.readFileSync('/etc/passwd')));
    }
    enterTree(trees[0]);
    said.push(fs.readdirSync('/'), fs.readdirSync('.'), os.networkInterfaces());
    fs.writeSync(1, JSON.stringify(said));
  `;
  const { said, errors, left } = inJail(body, process.pid, ENTER_OPEN);
  const found = JSON.parse(said || JSON.stringify(errors));
  assert.deepEqual(found, [
    ...[['made0'], [], ['made0'], 'ENOENT'],
    ...[['made1'], [], ['made1'], 'ENOENT'],
    ...[['made0'], ['made0'], {}],
  ]);
  assert.deepEqual(left, ['first', 'mine', 'proc', 'second']);
});

test('a process whose starter is gone ends before it does anything', () => {
  for (const enter of [ENTER, ENTER_OPEN]) {
    const { status, said } = inJail(`fs.writeSync(1, 'went on');`, 1, enter);
    assert.deepEqual([status, said], [1, '']);
  }
});
