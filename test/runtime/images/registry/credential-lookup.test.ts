import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { test } from 'node:test';
import { parseReference } from '../../../../runtime/images/reference.js';
import { credentialsFor } from '../../../../runtime/images/registry/credential-lookup.js';
import type { RegistryAuth } from '../../../../runtime/images/types.js';
import { endpointAt, live, NO_AUTH, temporary } from './parts.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const registry = endpointAt('https://registry.example:5000');
const mirror = endpointAt('https://mirror.example', { upstream: false, namespace: 'registry.example:5000' });
const reference = parseReference('registry.example:5000/team/app:v1');
const ASKED = { username: 'asked', password: 'pw' };

/** The user name that is found, or the kind of what is. */
async function who(
  endpoint: typeof registry,
  auth: Partial<RegistryAuth> | undefined,
  files: readonly string[] = [],
  name = reference,
): Promise<string | undefined> {
  const given = auth === undefined ? undefined : { ...NO_AUTH, ...auth };
  const found = await credentialsFor(endpoint, name, given, files, live());
  return found?.kind === 'basic' ? found.username : found?.kind;
}

test('what the request carries is for the registry that the reference names, not for its mirrors', async () => {
  assert.equal(await who(registry, ASKED), 'asked');
  assert.equal(await who(mirror, ASKED), undefined);
  assert.equal(await who(registry, undefined), undefined);
});

test('a server_address says whom it is for, however it is written', async () => {
  const at = (serverAddress: string): Partial<RegistryAuth> => ({ ...ASKED, serverAddress });
  for (const address of ['registry.example:5000', 'https://registry.example:5000/v2/', 'REGISTRY.example:5000']) {
    assert.equal(await who(registry, at(address)), 'asked', address);
    assert.equal(await who(mirror, at(address)), undefined, address);
  }
  assert.equal(await who(mirror, at('mirror.example')), 'asked');
  for (const address of ['registry.example', 'registry.example:5001', 'mirror.example', 'other.example']) {
    assert.equal(await who(registry, at(address)), undefined, address);
  }
});

test('Docker Hub is one registry under all its names', async () => {
  const hub = endpointAt('https://registry-1.docker.io');
  const busybox = parseReference('busybox');
  for (const serverAddress of ['https://index.docker.io/v1/', 'docker.io', 'registry-1.docker.io']) {
    assert.equal(await who(hub, { ...ASKED, serverAddress }, [], busybox), 'asked', serverAddress);
  }
});

test('a reference to a registry whose address is another finds its credentials under both names', async (t) => {
  const file = `${await temporary(t)}/config.json`;
  const moved = endpointAt('https://new.example');
  await fs.writeFile(file, JSON.stringify({ auths: { 'new.example': { auth: base64('new:pw') } } }));
  assert.equal(await who(moved, undefined, [file]), 'new');
  const both = { 'new.example': { auth: base64('new:pw') }, 'registry.example:5000': { auth: base64('old:pw') } };
  await fs.writeFile(file, JSON.stringify({ auths: both }));
  assert.equal(await who(moved, undefined, [file]), 'old', 'the name that the user wrote goes first');
});

test('Docker’s files are asked where the request says nothing for this host', async (t) => {
  const file = `${await temporary(t)}/config.json`;
  const auths = {
    'registry.example:5000': { auth: base64('file:pw') },
    'mirror.example': { identitytoken: 'refresh' },
  };
  await fs.writeFile(file, JSON.stringify({ auths }));
  assert.equal(await who(registry, ASKED, [file]), 'asked');
  assert.equal(await who(registry, {}, [file]), 'file', 'an AuthConfig without anything in it is none');
  assert.equal(await who(registry, { ...ASKED, serverAddress: 'other.example' }, [file]), 'file');
  assert.equal(await who(mirror, ASKED, [file]), 'identity');
});
