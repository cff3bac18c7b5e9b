/** The client against Debian's docker-registry on loopback: plain, and with TLS of an own CA and htpasswd. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parseReference } from '../../../../runtime/images/reference.js';
import { createRegistryClient } from '../../../../runtime/images/registry/client.js';
import { digestOf } from './faulty-server.js';

const run = promisify(execFile);
const BLOB = randomBytes(100_000);
const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(BLOB), size: BLOB.length },
  layers: [],
});
const live = (): AbortSignal => AbortSignal.timeout(20_000);
const BASIC = `Basic ${Buffer.from('me:secret').toString('base64')}`;

async function unusedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Sends and returns status and headers; trusts anything, for it is only the test's own upload. */
function send(method: string, url: URL, body: Buffer | string, type: string): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body), authorization: BASIC };
    const request = client.request(url, { method, headers, agent: false, rejectUnauthorized: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response));
    });
    request.once('error', reject);
    request.end(body);
  });
}

async function push(origin: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await send('GET', new URL(`${origin}/v2/`), '', 'text/plain');
      break;
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(50);
    }
  }
  const upload = await send('POST', new URL(`${origin}/v2/team/app/blobs/uploads/`), '', 'text/plain');
  const location = new URL(upload.headers.location ?? '', origin);
  location.searchParams.set('digest', digestOf(BLOB));
  assert.equal((await send('PUT', location, BLOB, 'application/octet-stream')).statusCode, 201);
  const manifest = new URL(`${origin}/v2/team/app/manifests/v1`);
  assert.equal((await send('PUT', manifest, MANIFEST, 'application/vnd.oci.image.manifest.v1+json')).statusCode, 201);
}

async function startRegistry(t: TestContext, secure: boolean): Promise<{ host: string; root: string }> {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-docker-registry-'));
  let child: ChildProcess | undefined;
  t.after(async () => {
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child?.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    await fs.rm(root, { recursive: true, force: true });
  });
  const port = await unusedPort();
  const lines = [
    'version: 0.1',
    'log: {level: error}',
    `storage: {filesystem: {rootdirectory: ${root}/data}}`,
    'http:',
    `  addr: 127.0.0.1:${port}`,
  ];
  if (secure) {
    await makeCertificates(root);
    const { stdout } = await run('perl', ['-e', 'print crypt("secret", q($2y$05$abcdefghijklmnopqrstuv))']);
    await fs.writeFile(`${root}/htpasswd`, `me:${stdout}\n`);
    lines.push(`  tls: {certificate: ${root}/server.pem, key: ${root}/server.key}`);
    lines.push(`auth: {htpasswd: {realm: test, path: ${root}/htpasswd}}`);
  }
  await fs.writeFile(`${root}/config.yml`, `${lines.join('\n')}\n`);
  child = spawn('docker-registry', ['serve', `${root}/config.yml`], { stdio: 'ignore' });
  const host = `127.0.0.1:${port}`;
  await push(`${secure ? 'https' : 'http'}://${host}`);
  return { host, root };
}

async function makeCertificates(root: string): Promise<void> {
  const openssl = (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: root });
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test CA', '-days', '2');
  await openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=registry');
  await fs.writeFile(`${root}/san`, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const sign = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'san', '-days', '2'];
  await openssl('x509', '-req', '-in', 'server.csr', ...sign, '-out', 'server.pem');
}

test('plain HTTP on loopback without configuration: by tag, by digest, blobs from an offset', async (t) => {
  const { host, root } = await startRegistry(t, false);
  const client = createRegistryClient({ certsDir: path.join(root, 'certs.d'), dockerConfigPaths: [], env: {} });
  const session = client.session(parseReference(`${host}/team/app:v1`), undefined);
  const { descriptor, body } = await session.manifest('v1', live());
  assert.equal(body.toString(), MANIFEST);
  assert.equal(descriptor.digest, digestOf(MANIFEST));
  assert.deepEqual(await session.manifest(descriptor.digest, live()), { descriptor, body });
  const blob = { mediaType: 'x', digest: digestOf(BLOB), size: BLOB.length };
  assert.ok((await buffer(await session.blob(blob, 0, live()))).equals(BLOB));
  assert.ok((await buffer(await session.blob(blob, 99_000, live()))).equals(BLOB.subarray(99_000)));
  await assert.rejects(session.manifest('v2', live()), { code: 'NOT_FOUND' });
});

test('TLS with an own CA and htpasswd', async (t) => {
  const { host, root } = await startRegistry(t, true);
  const certsDir = path.join(root, 'certs.d');
  const directory = path.join(certsDir, host);
  await fs.mkdir(directory, { recursive: true });
  const client = createRegistryClient({ certsDir, dockerConfigPaths: [], env: {} });
  const auth = {
    username: 'me',
    password: 'secret',
    auth: '',
    serverAddress: host,
    identityToken: '',
    registryToken: '',
  };
  const pull = (given: typeof auth | undefined): Promise<unknown> =>
    client.session(parseReference(`${host}/team/app:v1`), given).manifest('v1', live());

  const hosts = path.join(directory, 'hosts.toml');
  await fs.writeFile(hosts, `server = "https://${host}"\n`);
  await assert.rejects(pull(auth), { code: 'FAILED_PRECONDITION', message: /not trusted/ });
  await fs.writeFile(hosts, `server = "https://${host}"\nca = "../../ca.crt"\n`);
  await pull(auth);
  await assert.rejects(pull(undefined), { code: 'UNAUTHENTICATED' });
  await assert.rejects(pull({ ...auth, password: 'wrong' }), { code: 'UNAUTHENTICATED' });
  await fs.writeFile(hosts, `server = "https://${host}"\nskip_verify = true\n`);
  await pull(auth);
  await fs.rm(hosts);
  await fs.copyFile(path.join(root, 'ca.crt'), path.join(directory, 'ca.crt'));
  await pull(auth);
});
