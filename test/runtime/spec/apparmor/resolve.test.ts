/** The machine that the tests run on has no AppArmor: the kernel's side is played. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecurityProfile } from '../../../../runtime/containers/config.js';
import { DEFAULT_PROFILE } from '../../../../runtime/spec/apparmor/default.js';
import { type ApparmorKernel, resolveApparmor } from '../../../../runtime/spec/apparmor/resolve.js';
import { host, inputWith } from '../inputs.js';

const WITH = { ...host, apparmor: true };
const DEFAULT = { type: 'runtime-default', localhostRef: '' } as const;
const UNCONFINED = { type: 'unconfined', localhostRef: '' } as const;
const named = (name: string) => ({ type: 'localhost', localhostRef: name }) as const;

function kernelWith(loaded: string, fault?: Error): ApparmorKernel & { text: string; loads: number } {
  const kernel = {
    text: loaded,
    loads: 0,
    profiles: async () => kernel.text,
    load: async (text: string) => {
      if (fault !== undefined) throw fault;
      kernel.loads += 1;
      kernel.text += `${/^profile (\S+)/m.exec(text)?.[1]} (enforce)\n`;
    },
  };
  return kernel;
}

const resolve = (apparmor: SecurityProfile | undefined, facts = WITH, kernel = kernelWith(''), privileged = false) =>
  resolveApparmor(inputWith({}, { apparmor, privileged }).config.security, facts, kernel);
const noParser = () => Object.assign(new Error('spawn apparmor_parser ENOENT'), { code: 'ENOENT' });

test('the default profile is loaded once, for whoever names none or asks for it', async () => {
  const kernel = kernelWith('other (complain)\n');
  assert.equal(await resolve(undefined, WITH, kernel), DEFAULT_PROFILE);
  assert.equal(await resolve(DEFAULT, WITH, kernel), DEFAULT_PROFILE);
  assert.equal(kernel.loads, 1);
});

test('a privileged or unconfined container has none, but a privileged one has what it names', async () => {
  const kernel = kernelWith('mine (enforce)\n');
  assert.equal(await resolve(undefined, WITH, kernel, true), undefined);
  assert.equal(await resolve(DEFAULT, WITH, kernel, true), undefined);
  assert.equal(await resolve(UNCONFINED, WITH, kernel), undefined);
  assert.equal(await resolve(named('localhost/mine'), WITH, kernel, true), 'mine');
  assert.equal(kernel.loads, 0);
});

test('a profile by name has to be loaded', async () => {
  const kernel = kernelWith('mine2 (enforce)\n/usr/bin/x (enforce)\n');
  assert.equal(await resolve(named('/usr/bin/x'), WITH, kernel), '/usr/bin/x');
  await assert.rejects(resolve(named('mine'), WITH, kernel), {
    code: 'FAILED_PRECONDITION',
    message: /apparmor: profile mine is not loaded/,
  });
  await assert.rejects(resolve(named('localhost/'), WITH, kernel), { code: 'INVALID_ARGUMENT' });
});

test('where the host has no AppArmor, what is asked for is refused, and nothing else', async () => {
  for (const profile of [DEFAULT, named('mine')]) {
    await assert.rejects(resolve(profile, host), { code: 'FAILED_PRECONDITION', message: /this host has no AppArmor/ });
  }
  for (const profile of [undefined, UNCONFINED]) assert.equal(await resolve(profile, host), undefined);
});

test('without a parser only who asked is refused; a profile that does not load is an error for all', async () => {
  assert.equal(await resolve(undefined, WITH, kernelWith('', noParser())), undefined);
  await assert.rejects(resolve(DEFAULT, WITH, kernelWith('', noParser())), { message: /install the package apparmor/ });
  const broken = kernelWith('', new Error('syntax error'));
  await assert.rejects(resolve(undefined, WITH, broken), { code: 'FAILED_PRECONDITION', message: /syntax error/ });
});
