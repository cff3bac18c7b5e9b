/** Pieces of a registry client on loopback, for the tests of each: a server, a session, and what lies between them. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { CribError, type ErrorCode } from '../../../../runtime/errors.js';
import { parseReference } from '../../../../runtime/images/reference.js';
import { Authorizer } from '../../../../runtime/images/registry/authorizer.js';
import { createRegistryClient } from '../../../../runtime/images/registry/client.js';
import type { Credentials } from '../../../../runtime/images/registry/credentials.js';
import type { Endpoint, Trust } from '../../../../runtime/images/registry/endpoint.js';
import { Exchange } from '../../../../runtime/images/registry/exchange.js';
import { Roots } from '../../../../runtime/images/registry/roots.js';
import { DEFAULT_RETRY, type RetryPolicy } from '../../../../runtime/images/registry/rotation.js';
import { Transport } from '../../../../runtime/images/registry/transport.js';
import type { RegistrySession } from '../../../../runtime/images/registry-types.js';
import type { RegistryAuth } from '../../../../runtime/images/types.js';
import { type FaultyServer, faultyServer, type Handler, QUICK } from './faulty-server.js';

export const NO_AUTH: RegistryAuth = {
  username: '',
  password: '',
  auth: '',
  serverAddress: '',
  identityToken: '',
  registryToken: '',
};

export const NO_TRUST: Trust = { authorities: [], identities: [], skipVerify: false, connectMs: undefined };

export const live = (): AbortSignal => AbortSignal.timeout(10_000);

export async function serve(t: TestContext, handler: Handler): Promise<FaultyServer> {
  const server = await faultyServer(handler);
  t.after(() => server.close());
  return server;
}

export async function temporary(t: TestContext): Promise<string> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-registry-'));
  t.after(() => fs.rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function sessionFor(
  t: TestContext,
  host: string,
  given: { auth?: Partial<RegistryAuth>; hosts?: string; docker?: object } = {},
): Promise<RegistrySession> {
  const root = await temporary(t);
  const docker = path.join(root, 'config.json');
  if (given.docker !== undefined) await fs.writeFile(docker, JSON.stringify(given.docker));
  if (given.hosts !== undefined) {
    await fs.mkdir(path.join(root, host));
    await fs.writeFile(path.join(root, host, 'hosts.toml'), given.hosts);
  }
  const client = createRegistryClient({ certsDir: root, dockerConfigPaths: [docker], retry: QUICK, env: {} });
  const auth = given.auth === undefined ? undefined : { ...NO_AUTH, ...given.auth };
  return client.session(parseReference(`${host}/team/app:v1`), auth);
}

/** The registry itself at `origin`, unless `more` says otherwise. */
export function endpointAt(origin: string, more: Partial<Endpoint> = {}): Endpoint {
  const capabilities = new Set(['pull', 'resolve', 'push'] as const);
  const trust = more.trust ?? NO_TRUST;
  const usual = { apiPath: '/v2', capabilities, headers: {}, upstream: true, namespace: undefined };
  return { ...usual, trust, foreignTrust: { ...trust, identities: [] }, ...more, origin };
}

export function transportWith(policy: Partial<RetryPolicy> = {}, env: NodeJS.ProcessEnv = {}): Transport {
  const roots = new Roots(env);
  return new Transport({ userAgent: 'crib/test', policy: { ...DEFAULT_RETRY, ...QUICK, ...policy }, roots, env });
}

/** With the credentials that `credentials` finds, when it is asked. */
export function authorizerWith(
  credentials: (endpoint: Endpoint, signal: AbortSignal) => Promise<Credentials | undefined> = async () => undefined,
): Authorizer {
  const transport = transportWith();
  return new Authorizer({ transport, credentials, scope: 'repository:team/app:pull', stallMs: QUICK.stallMs });
}

export function exchangeWith(credentials?: Credentials): Exchange {
  return new Exchange(
    transportWith(),
    authorizerWith(async () => credentials),
    QUICK.stallMs,
  );
}

/** PEM of a key and its own certificate for 127.0.0.1. */
export async function selfSigned(directory: string, name = 'server'): Promise<{ key: string; certificate: string }> {
  const [key, certificate] = [`${directory}/${name}.key`, `${directory}/${name}.crt`];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  await promisify(execFile)('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', certificate]);
  return { key: await fs.readFile(key, 'utf8'), certificate: await fs.readFile(certificate, 'utf8') };
}

export function fails(code: ErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof CribError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}
