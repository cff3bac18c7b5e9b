/** Which certificates are trusted, by real connections to a TLS server on loopback. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import tls, { type SecureContext } from 'node:tls';
import { Roots } from '../../../../runtime/images/registry/roots.js';
import { fails, NO_TRUST, selfSigned, temporary } from './parts.js';

interface Pair {
  readonly key: string;
  readonly certificate: string;
}

async function tlsServer(t: TestContext, { key, certificate }: Pair, ca?: string): Promise<number> {
  const asked = ca === undefined ? {} : { ca, requestCert: true };
  const server = tls.createServer({ key, cert: certificate, ...asked }, (socket) => socket.end(peerOf(socket)));
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const peerOf = (socket: tls.TLSSocket): string => socket.getPeerCertificate().subject?.CN?.toString() ?? 'nobody';

/** What the server says, or why it is not trusted. */
function connect(port: number, secureContext: SecureContext): Promise<string> {
  return new Promise((resolve) => {
    const socket = tls.connect({ port, host: '127.0.0.1', secureContext });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}

test('the bundle of SSL_CERT_FILE is trusted, read once, and read again when it is another', async (t) => {
  const directory = await temporary(t);
  const [one, two] = [await selfSigned(directory, 'one'), await selfSigned(directory, 'two')];
  const [first, second] = [await tlsServer(t, one), await tlsServer(t, two)];
  const bundle = `${directory}/bundle.pem`;
  await fs.writeFile(bundle, one.certificate);
  const roots = new Roots({ SSL_CERT_FILE: bundle });
  const context = await roots.context(NO_TRUST);
  assert.equal(await connect(first, context), 'nobody');
  assert.equal(await connect(second, context), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  assert.equal(await roots.context(NO_TRUST), context, 'reading it costs milliseconds');

  await fs.writeFile(`${bundle}.new`, two.certificate);
  await fs.rename(`${bundle}.new`, bundle);
  assert.equal(await connect(second, await roots.context(NO_TRUST)), 'nobody');
  assert.equal(await connect(first, await roots.context(NO_TRUST)), 'DEPTH_ZERO_SELF_SIGNED_CERT');
});

test('a registry’s own authorities are trusted with the bundle, for that registry alone', async (t) => {
  const directory = await temporary(t);
  const [usual, own] = [await selfSigned(directory, 'usual'), await selfSigned(directory, 'own')];
  const [first, second] = [await tlsServer(t, usual), await tlsServer(t, own)];
  const roots = new Roots({ SSL_CERT_FILE: `${directory}/usual.crt` });
  const context = await roots.context({ ...NO_TRUST, authorities: [own.certificate] });
  assert.equal(await connect(first, context), 'nobody');
  assert.equal(await connect(second, context), 'nobody');
  assert.equal(await connect(second, await roots.context(NO_TRUST)), 'DEPTH_ZERO_SELF_SIGNED_CERT');
});

test('a client certificate is shown to who asks', async (t) => {
  const directory = await temporary(t);
  const [server, client] = [await selfSigned(directory, 'server'), await selfSigned(directory, 'client')];
  const port = await tlsServer(t, server, client.certificate);
  const roots = new Roots({ SSL_CERT_FILE: `${directory}/server.crt` });
  assert.equal(await connect(port, await roots.context({ ...NO_TRUST, identities: [client] })), 'client');
});

test('a bundle that is empty or a directory is passed over', async (t) => {
  const directory = await temporary(t);
  const own = await selfSigned(directory, 'own');
  const port = await tlsServer(t, own);
  await fs.writeFile(`${directory}/empty`, '');
  for (const file of [`${directory}/empty`, directory]) {
    const context = await new Roots({ SSL_CERT_FILE: file }).context({ ...NO_TRUST, authorities: [own.certificate] });
    assert.equal(await connect(port, context), 'nobody', file);
  }
});

test('files that are no PEM are told, as is a key of another certificate', async (t) => {
  const directory = await temporary(t);
  const [one, two] = [await selfSigned(directory, 'one'), await selfSigned(directory, 'two')];
  const roots = new Roots({ SSL_CERT_FILE: `${directory}/one.crt` });
  const told = fails('FAILED_PRECONDITION', /"ca" or "client"/);
  const mixed = { certificate: one.certificate, key: two.key };
  await assert.rejects(roots.context({ ...NO_TRUST, identities: [mixed] }), told);
  await assert.rejects(roots.context({ ...NO_TRUST, identities: [{ certificate: 'DER', key: two.key }] }), told);
  await assert.rejects(roots.context({ ...NO_TRUST, authorities: ['DER'] }), told);
});
