/** PullImage with every form of credentials that the CRI's AuthConfig has, through a real client. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { AuthConfig } from '../../../cri/api/generated/index.js';
import type { DeepPartial } from '../../../cri/api/wire.js';
import {
  type AuthRegistry,
  IDENTITY_TOKEN,
  REGISTRY_TOKEN,
  startAuthRegistry,
  USER,
} from '../../support/auth-registry.js';
import { buildImage } from '../../support/images.js';
import { type ServedNode, startServedNode } from '../../support/server.js';

let served: ServedNode;
let basic: AuthRegistry;
let bearer: AuthRegistry;

before(async () => {
  served = await startServedNode('10.203.34.0/24', 'cribtestau0');
  const image = await buildImage({ files: [{ path: 'file', content: 'x' }] });
  basic = await startAuthRegistry('basic', image);
  bearer = await startAuthRegistry('bearer', image);
});

after(async () => {
  await served.stop();
  await Promise.all([basic.stop(), bearer.stop()]);
});

const pair = ({ username, password }: typeof USER) => Buffer.from(`${username}:${password}`).toString('base64');

async function pull(registry: AuthRegistry, auth: DeepPartial<AuthConfig> | undefined): Promise<void> {
  const image = { image: `${registry.address}/thing:v1` };
  const { imageRef } = await served.client.images.pullImage({ image, ...(auth === undefined ? {} : { auth }) });
  assert.match(imageRef, /^sha256:[0-9a-f]{64}$/);
  await served.client.images.removeImage({ image });
}

const FORMS: Readonly<Record<string, DeepPartial<AuthConfig>>> = {
  'username and password': USER,
  'auth, base64 of both': { auth: pair(USER) },
  'auth, with NUL padding as Docker may write it': {
    auth: Buffer.from(`${USER.username}:${USER.password}\0`).toString('base64'),
  },
};

for (const [form, auth] of Object.entries(FORMS)) {
  test(`${form}: basic authentication, and a token from the issuer`, async () => {
    await pull(basic, auth);
    await pull(bearer, auth);
  });
}

test('identity_token: a token for it from the issuer', () => pull(bearer, { identityToken: IDENTITY_TOKEN }));

test('registry_token: sent as it is', () => pull(bearer, { registryToken: REGISTRY_TOKEN }));

test('server_address: credentials go to that registry and to no other', async () => {
  await pull(basic, { ...USER, serverAddress: basic.address });
  await pull(basic, { ...USER, serverAddress: `http://${basic.address}/v2/` });
  await assert.rejects(pull(basic, { ...USER, serverAddress: 'registry.example' }), { code: 'UNAUTHENTICATED' });
});

test('no credentials, wrong ones, and what is none are told apart', async () => {
  for (const registry of [basic, bearer]) {
    await assert.rejects(pull(registry, undefined), { code: 'UNAUTHENTICATED' });
    await assert.rejects(pull(registry, { ...USER, password: 'wrong' }), { code: 'UNAUTHENTICATED' });
  }
  await assert.rejects(pull(bearer, { identityToken: 'wrong' }), { code: 'UNAUTHENTICATED' });
  await assert.rejects(pull(bearer, { registryToken: 'wrong' }), { code: 'UNAUTHENTICATED' });
  await assert.rejects(pull(basic, { auth: '!!' }), { code: 'INVALID_ARGUMENT', message: /auth/ });
});

test('a pull without credentials is refused also when the image is there already', async () => {
  const image = { image: `${basic.address}/thing:v1` };
  await served.client.images.pullImage({ image, auth: USER });
  await assert.rejects(served.client.images.pullImage({ image }), { code: 'UNAUTHENTICATED' });
});
