import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { CAPABILITY_NAMES, capabilitiesOfMask, capabilitySets } from '../../../runtime/spec/capabilities.js';
import { host, security } from './inputs.js';

const setsOf = (change: Partial<typeof security>, capabilities: readonly string[] = CAPABILITY_NAMES) =>
  capabilitySets({ ...security, ...change }, { ...host, capabilities });

test('the kernel’s own names, by their bits', () => {
  const mask = BigInt(`0x${/CapBnd:\s+(\w+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1]}`);
  const names = capabilitiesOfMask(mask);
  assert.equal(names.length, mask.toString(2).replaceAll('0', '').length, 'every bit of this machine has a name');
  assert.deepEqual(capabilitiesOfMask(0b1000000000000000000001n), ['CAP_CHOWN', 'CAP_SYS_ADMIN']);
  assert.deepEqual([capabilitiesOfMask(0n), capabilitiesOfMask(1n << 63n)], [[], []]);
});

test('all, then single ones, then those that are dropped', () => {
  assert.deepEqual(setsOf({ dropCapabilities: ['all'], addCapabilities: ['net_admin', 'CAP_KILL'] }).bounding, [
    'CAP_KILL',
    'CAP_NET_ADMIN',
  ]);
  const most = setsOf({ addCapabilities: ['ALL'], dropCapabilities: ['SYS_ADMIN'] }).effective;
  assert.equal(most.length, CAPABILITY_NAMES.length - 1);
  assert.ok(!most.includes('CAP_SYS_ADMIN'));
  assert.deepEqual(setsOf({ addCapabilities: ['ALL'], dropCapabilities: ['ALL'] }).permitted, []);
  assert.deepEqual(
    setsOf({ addCapabilities: ['KILL'], dropCapabilities: ['KILL'] }).permitted.includes('CAP_KILL'),
    false,
  );
});

test('nothing is inheritable but what is ambient, and that only while it is held', () => {
  assert.deepEqual(setsOf({}).inheritable, []);
  assert.equal(setsOf({}).bounding.length, 14);
  const { ambient, inheritable, effective } = setsOf({
    addAmbientCapabilities: ['SYS_TIME', 'KILL'],
    dropCapabilities: ['KILL'],
  });
  assert.deepEqual([ambient, inheritable], [['CAP_SYS_TIME'], ['CAP_SYS_TIME']]);
  assert.ok(effective.includes('CAP_SYS_TIME') && !effective.includes('CAP_KILL'));
  assert.equal(setsOf({ addAmbientCapabilities: ['ALL'] }).ambient.length, CAPABILITY_NAMES.length);
  assert.deepEqual(setsOf({ privileged: true, addAmbientCapabilities: ['KILL'] }).ambient, []);
});

test('a host gives what it has: of the defaults fewer, of what is asked for by name all or an error', () => {
  const here = ['CAP_CHOWN', 'CAP_SYS_ADMIN'];
  assert.deepEqual(setsOf({}, here).bounding, ['CAP_CHOWN']);
  assert.deepEqual(setsOf({ privileged: true }, here).bounding, here);
  assert.deepEqual(setsOf({ addCapabilities: ['ALL'] }, here).bounding, here);
  for (const change of [{ addCapabilities: ['SYS_TIME'] }, { addAmbientCapabilities: ['SYS_TIME'] }]) {
    assert.throws(() => setsOf(change, here), { code: 'FAILED_PRECONDITION', message: /CAP_SYS_TIME cannot be given/ });
  }
  assert.deepEqual(setsOf({ dropCapabilities: ['SYS_TIME'] }, here).bounding, ['CAP_CHOWN']);
});

test('a name that Linux does not know is refused by its place, for a privileged container too', () => {
  const wrong = { addCapabilities: ['KILL', 'FLY'], privileged: true };
  const message = 'config.linux.security_context.capabilities.add_capabilities[1]: "FLY" is not a capability of Linux';
  assert.throws(() => setsOf(wrong), { code: 'INVALID_ARGUMENT', message });
  for (const name of ['', 'CAP_', 'CAP_CAP_KILL', ' KILL', 'KILL\0']) {
    assert.throws(() => setsOf({ dropCapabilities: [name] }), { code: 'INVALID_ARGUMENT' }, name);
  }
});
