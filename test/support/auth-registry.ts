/** A registry on loopback that wants to know who asks: by basic authentication, or by a token from its own issuer. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BuiltImage } from './images.js';

export const USER = { username: 'me', password: 'secret' };
const BASIC = `Basic ${Buffer.from(`${USER.username}:${USER.password}`).toString('base64')}`;
/** The issuer gives this for the user's password or for the identity token. */
export const REGISTRY_TOKEN = 'registry-token';
export const IDENTITY_TOKEN = 'identity-token';

export interface AuthRegistry {
  readonly address: string;
  stop(): Promise<void>;
}

/** Serves `image` under every name and tag. */
export async function startAuthRegistry(scheme: 'basic' | 'bearer', image: BuiltImage): Promise<AuthRegistry> {
  const server = http.createServer((request, response) => {
    void answer(scheme, image, request).then(({ status, headers = {}, body = Buffer.alloc(0) }) => {
      response.writeHead(status, { ...headers, 'content-length': body.length }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

async function answer(scheme: 'basic' | 'bearer', image: BuiltImage, request: http.IncomingMessage): Promise<Answer> {
  const { authorization, host } = request.headers;
  const [path = ''] = (request.url ?? '').split('?');
  if (path === '/token') return issue(request, authorization);
  const wanted = scheme === 'basic' ? BASIC : `Bearer ${REGISTRY_TOKEN}`;
  if (authorization !== wanted) {
    const bearer = `Bearer realm="http://${host}/token",service="test",scope="repository:x:pull"`;
    return { status: 401, headers: { 'www-authenticate': scheme === 'basic' ? 'Basic realm="test"' : bearer } };
  }
  if (path === '/v2/') return { status: 200 };
  const found = path.includes('/manifests/')
    ? image.manifest
    : image.blobs.find((blob) => path.endsWith(`/blobs/${blob.digest}`));
  if (found === undefined) return { status: 404 };
  const headers = { 'content-type': found.mediaType, 'docker-content-digest': found.digest };
  return { status: 200, headers, body: request.method === 'HEAD' ? Buffer.alloc(0) : found.bytes };
}

/** GET with the user's password (docs of distribution, "Token Authentication"), POST with a refresh token (OAuth2). */
async function issue(request: http.IncomingMessage, authorization: string | undefined): Promise<Answer> {
  let form = '';
  for await (const chunk of request) form += String(chunk);
  const fields = new URLSearchParams(form);
  const refreshed = fields.get('grant_type') === 'refresh_token' && fields.get('refresh_token') === IDENTITY_TOKEN;
  const byPassword = fields.get('username') === USER.username && fields.get('password') === USER.password;
  if (authorization !== BASIC && !refreshed && !byPassword) return { status: 401 };
  const body = Buffer.from(JSON.stringify({ token: REGISTRY_TOKEN, access_token: REGISTRY_TOKEN }));
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}
