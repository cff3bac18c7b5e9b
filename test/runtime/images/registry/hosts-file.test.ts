import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import { parseHostsFile } from '../../../../runtime/images/registry/hosts-file.js';

test('a file with everything in it', () => {
  const { mirrors, server } = parseHostsFile(
    'hosts.toml',
    `server = "https://up.example"
     ca = "up.crt"
     [host."http://10.0.0.1:5000"]
       capabilities = ["pull", "resolve"]
       dial_timeout = "1m1.5s"
       [host."http://10.0.0.1:5000".header]
         x-one = "1"
         x-two = ["a", "b"]
     [host."a.example/base"]
       ca = ["a.crt", "b.crt"]
       client = [["c.cert", "c.key"], "both.pem"]
       skip_verify = true
     [host."https://b.example/v2/cache"]
       override_path = true`,
  );
  assert.deepEqual(
    mirrors.map(({ address }) => address),
    [
      { origin: 'http://10.0.0.1:5000', apiPath: '/v2' },
      { origin: 'https://a.example', apiPath: '/base/v2' },
      { origin: 'https://b.example', apiPath: '/v2/cache' },
    ],
  );
  assert.deepEqual([...(mirrors[0]?.capabilities ?? [])], ['pull', 'resolve']);
  assert.equal(mirrors[0]?.connectMs, 61_500);
  assert.deepEqual(mirrors[0]?.headers, { 'x-one': ['1'], 'x-two': ['a', 'b'] });
  assert.deepEqual(mirrors[1]?.client, [
    { certificate: 'c.cert', key: 'c.key' },
    { certificate: 'both.pem', key: undefined },
  ]);
  assert.equal(mirrors[1]?.skipVerify, true);
  assert.deepEqual(server.ca, ['up.crt']);
});

test('a malformed file is named with its key', () => {
  const cases: readonly (readonly [text: string, key: RegExp])[] = [
    ['server = ', /not TOML/],
    ['server = 5', /server/],
    ['server = "https://u:p@x"', /server/],
    ['host = 3', /host/],
    ['[host."h"]\ncapabilities = ["fly"]', /host\."h"\.capabilities.*fly/],
    ['[host."h"]\nca = 3', /ca/],
    ['[host."h"]\nclient = [["a","b","c"]]', /client/],
    ['[host."h"]\nskip_verify = "yes"', /skip_verify/],
    ['[host."h"]\ndial_timeout = "soon"', /dial_timeout/],
    ['[host."h"]\n[host."h".header]\n"a b" = "x"', /header/],
    ['[host."h"]\n[host."h".header]\na = "x\\r\\ny"', /header/],
  ];
  for (const [text, key] of cases) {
    assert.throws(
      () => parseHostsFile('/certs/x/hosts.toml', text),
      (error) =>
        error instanceof CribError &&
        error.code === 'FAILED_PRECONDITION' &&
        error.message.startsWith('/certs/x/hosts.toml') &&
        key.test(error.message),
      text,
    );
  }
});
