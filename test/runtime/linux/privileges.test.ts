import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { CAP } from '../../../runtime/linux/privileges.js';
import { inThread } from './thread.js';

const field = (status: string, name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1];

test('only what is named is kept, nothing is inherited, and other threads keep theirs', async () => {
  const before = field(fs.readFileSync('/proc/thread-self/status', 'latin1'), 'CapEff');
  const status = await inThread<string>(`
    (await linux('privileges')).keepCapabilities([${CAP.CHOWN}, ${CAP.SETFCAP}, 38]);
    return (await import('node:fs')).readFileSync('/proc/thread-self/status', 'latin1');
  `);
  const kept = 0x40_8000_0001n; // 0, 31 and 38 (CAP_PERFMON): both words
  for (const set of ['CapPrm', 'CapEff']) assert.equal(BigInt(`0x${field(status, set)}`), kept, set);
  assert.equal(BigInt(`0x${field(status, 'CapInh')}`), 0n);
  assert.equal(field(fs.readFileSync('/proc/thread-self/status', 'latin1'), 'CapEff'), before);
});

test('what was given up cannot be had again', async () => {
  const said = await inThread<string[]>(`
    const { keepCapabilities } = await linux('privileges');
    const fs = await import('node:fs');
    keepCapabilities([]);
    const said = [];
    for (const attempt of [() => keepCapabilities([0]), () => fs.chownSync('/proc/self/fd/0', 1, 1)]) {
      try { attempt(); said.push('done'); } catch (error) { said.push(error.code); }
    }
    return said;
  `);
  assert.deepEqual(said, ['EPERM', 'EPERM']);
});

test('no_new_privs is set, and the children have it too', async () => {
  const [own, child] = await inThread<[string, string]>(`
    (await linux('privileges')).setNoNewPrivileges();
    const own = (await import('node:fs')).readFileSync('/proc/thread-self/status', 'latin1');
    const { execFileSync } = await import('node:child_process');
    return [own, execFileSync('cat', ['/proc/self/status'], { encoding: 'latin1' })];
  `);
  assert.equal(field(own, 'NoNewPrivs'), '1');
  assert.equal(field(child, 'NoNewPrivs'), '1');
  assert.equal(field(fs.readFileSync('/proc/self/status', 'latin1'), 'NoNewPrivs'), '0');
});
