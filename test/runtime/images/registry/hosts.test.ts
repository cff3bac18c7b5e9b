import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadEndpoints } from '../../../../runtime/images/registry/hosts.js';
import { fails, temporary } from './parts.js';

/** A certs.d with these files. */
async function certsDir(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await temporary(t);
  for (const [file, text] of Object.entries(files)) {
    await fs.mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await fs.writeFile(path.join(root, file), text);
  }
  return root;
}

const origins = async (root: string, domain: string): Promise<string[]> =>
  (await loadEndpoints(root, domain)).map(({ origin, apiPath }) => `${origin}${apiPath}`);

test('without configuration a registry is HTTPS, unless it cannot leave the machine', async () => {
  for (const [domain, origin] of [
    ['registry.example', 'https://registry.example/v2'],
    ['registry.example:5000', 'https://registry.example:5000/v2'],
    ['registry.example:80', 'https://registry.example:80/v2'],
    ['docker.io', 'https://registry-1.docker.io/v2'],
    ['localhost:5000', 'http://localhost:5000/v2'],
    ['127.3.2.1:80', 'http://127.3.2.1/v2'],
    ['[::1]:5000', 'http://[::1]:5000/v2'],
    ['localhost', 'https://localhost/v2'],
    ['localhost:443', 'https://localhost/v2'],
    ['localhost.example:5000', 'https://localhost.example:5000/v2'],
  ] as const) {
    assert.deepEqual(await origins('/nonexistent', domain), [origin], domain);
  }
  await assert.rejects(loadEndpoints('/nonexistent', 'host:99999'), fails('INVALID_ARGUMENT', /no.* registry host/));
});

test('the directory is the first of host_port_, host:port and _default', async (t) => {
  const to = (name: string): string => `server = "https://${name}.example"`;
  const root = await certsDir(t, {
    'r.example_5000_/hosts.toml': to('underscored'),
    'r.example:5000/hosts.toml': to('colon'),
    'r.example/hosts.toml': to('no-port'),
    '_default/hosts.toml': to('default'),
  });
  const at = async (domain: string): Promise<string | undefined> => (await origins(root, domain))[0];
  assert.equal(await at('r.example:5000'), 'https://underscored.example/v2');
  await fs.rm(path.join(root, 'r.example_5000_'), { recursive: true });
  assert.equal(await at('r.example:5000'), 'https://colon.example/v2');
  assert.equal(await at('r.example'), 'https://no-port.example/v2');
  assert.equal(await at('r.example:5001'), 'https://default.example/v2');
});

test('mirrors are in the order of the file, the registry is last', async (t) => {
  const root = await certsDir(t, {
    'docker.io/hosts.toml': `
      [host."https://z.example"]
      capabilities = ["pull"]
      [host."http://a.example:5000/proxy/v2"]
      override_path = true`,
  });
  const endpoints = await loadEndpoints(root, 'docker.io');
  assert.deepEqual(
    endpoints.map(({ origin, apiPath, upstream, namespace }) => [`${origin}${apiPath}`, upstream, namespace]),
    [
      ['https://z.example/v2', false, 'docker.io'],
      ['http://a.example:5000/proxy/v2', false, 'docker.io'],
      ['https://registry-1.docker.io/v2', true, undefined],
    ],
  );
  assert.deepEqual([...(endpoints[0]?.capabilities ?? [])], ['pull']);
});

test('an entry for the registry’s own host gets its credentials and no ns; one for another host never', async (t) => {
  const root = await certsDir(t, {
    'r.example:5000/hosts.toml': '[host."https://r.example:5000"]\n[host."https://r.example.evil:5000"]',
  });
  const [own, evil] = await loadEndpoints(root, 'r.example:5000');
  assert.deepEqual([own?.upstream, own?.namespace], [true, undefined]);
  assert.deepEqual([evil?.upstream, evil?.namespace], [false, 'r.example:5000']);
});

test('certificates are those of the entry, beside the file; a redirect’s target does not see who we are', async (t) => {
  const root = await certsDir(t, {
    'r.example/hosts.toml': `
      server = "https://r.example"
      ca = "own.crt"
      client = [["me.cert", "me.key"], "both.pem"]
      [host."https://mirror.example"]
      skip_verify = true
      ca = "../shared.crt"
      dial_timeout = "2s"`,
    'r.example/own.crt': 'OWN',
    'r.example/me.cert': 'ME',
    'r.example/me.key': 'KEY',
    'r.example/both.pem': 'BOTH',
    'shared.crt': 'SHARED',
  });
  const [mirror, registry] = await loadEndpoints(root, 'r.example');
  assert.deepEqual(mirror?.trust, { authorities: ['SHARED'], identities: [], skipVerify: true, connectMs: 2000 });
  const identities = [
    { certificate: 'ME', key: 'KEY' },
    { certificate: 'BOTH', key: 'BOTH' },
  ];
  assert.deepEqual(registry?.trust, { authorities: ['OWN'], identities, skipVerify: false, connectMs: undefined });
  assert.deepEqual(registry?.foreignTrust, { ...registry?.trust, identities: [] });
});

test('Docker’s names are read where there is no hosts.toml or an empty one, and make loopback TLS', async (t) => {
  const root = await certsDir(t, {
    'localhost:5000/b.crt': 'B',
    'localhost:5000/a.crt': 'A',
    'localhost:5000/me.cert': 'ME',
    'localhost:5000/me.key': 'KEY',
    'localhost:5000/README': 'no certificate',
    'other.example/hosts.toml': '',
    'other.example/ca.crt': 'CA',
  });
  const [endpoint] = await loadEndpoints(root, 'localhost:5000');
  assert.equal(endpoint?.origin, 'https://localhost:5000');
  assert.deepEqual(endpoint?.trust.authorities, ['A', 'B']);
  assert.deepEqual(endpoint?.trust.identities, [{ certificate: 'ME', key: 'KEY' }]);
  assert.deepEqual(endpoint?.foreignTrust.identities, []);
  assert.deepEqual((await loadEndpoints(root, 'other.example'))[0]?.trust.authorities, ['CA']);
  await fs.rm(path.join(root, 'localhost:5000/me.key'));
  await assert.rejects(loadEndpoints(root, 'localhost:5000'), fails('FAILED_PRECONDITION', /me\.key does not exist/));
});

test('what is named and is not there is told with the file and the key; an unreadable directory is no absent one', async (t) => {
  const root = await certsDir(t, {
    'a.example/hosts.toml': 'ca = "none.crt"',
    'b.example/hosts.toml': '[host."https://m.example"]\nclient = "none.pem"',
  });
  const told = (key: string): ((error: unknown) => boolean) =>
    fails('FAILED_PRECONDITION', new RegExp(`hosts\\.toml: ${key} names none\\.(?:crt|pem), which does not exist`));
  await assert.rejects(loadEndpoints(root, 'a.example'), told('ca'));
  await assert.rejects(loadEndpoints(root, 'b.example'), told('client'));
  await fs.symlink('loop', path.join(root, 'loop'));
  await assert.rejects(loadEndpoints(root, 'loop'), fails('FAILED_PRECONDITION', /could not look at .*loop.*ELOOP/));
});

test('a change needs no restart', async (t) => {
  const root = await certsDir(t, { 'r.example/hosts.toml': 'server = "https://one.example"' });
  assert.deepEqual(await origins(root, 'r.example'), ['https://one.example/v2']);
  await fs.writeFile(path.join(root, 'r.example/hosts.toml'), 'server = "https://two.example"');
  assert.deepEqual(await origins(root, 'r.example'), ['https://two.example/v2']);
});
