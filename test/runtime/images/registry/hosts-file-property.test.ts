import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'smol-toml';
import { type HostEntry, type HostsFile, parseHostsFile } from '../../../../runtime/images/registry/hosts-file.js';
import { accepted, fuzzed } from '../../../support/fuzz.js';

const words = fc.string({ maxLength: 12 });
const value = fc.oneof(
  fc.constantFrom<unknown>('', '3s', '1h', '0.5ms', '9999h', true, false, 1, 1.5, 'a.crt', 'pull', 'nonsense', '\0'),
  fc.constantFrom<unknown>([], ['pull', 'resolve'], ['a', 'b'], [['a', 'b']], [['a', 'b', 'c']], [1], new Date(0)),
  fc.dictionary(
    fc.oneof(words, fc.constantFrom('x-a', 'bad header')),
    fc.oneof(words, fc.array(words, { maxLength: 3 })),
    { maxKeys: 3 },
  ),
  words,
);
const usual = fc.record(
  {
    capabilities: fc.subarray(['pull', 'resolve', 'push', 'PULL']),
    ca: fc.oneof(words, fc.array(words, { maxLength: 3 })),
    client: fc.oneof(words, fc.array(fc.oneof(words, fc.tuple(words, words)), { maxLength: 3 })),
    skip_verify: fc.boolean(),
    override_path: fc.boolean(),
    header: fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), fc.stringMatching(/^[ -~]{0,20}$/), { maxKeys: 3 }),
    dial_timeout: fc.constantFrom('3s', '1m30s', '250ms', '1h', '1µs1s'),
    later_key: words,
  },
  { requiredKeys: [] },
);
const key = fc.constantFrom('capabilities', 'ca', 'client', 'skip_verify', 'override_path', 'header', 'dial_timeout');
/** A usual table, sometimes with one value of any type in it. */
const table = fc
  .tuple(usual, fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, fc.tuple(key, value)))
  .map(([entries, odd]): Record<string, unknown> => (odd === undefined ? entries : { ...entries, [odd[0]]: odd[1] }));
const address = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'a.example',
      'http://b:5000',
      'https://c/v2',
      'HTTPS://D/base//x/',
      'https://[::1]',
      '10.0.0.1:5000',
    ),
  },
  fc.constantFrom('bad host', '', 'http://user@h', 'ftp://h', 'h?q', 'h#f', '[::1', 'h:99999', 'a\0b'),
  fc.stringMatching(/^[a-z0-9.:/-]{1,12}$/),
);
const root = fc
  .tuple(table, fc.option(address, { nil: undefined }), fc.dictionary(address, table, { maxKeys: 3 }))
  .map(([top, server, host]) => ({ ...top, ...(server === undefined ? {} : { server }), host }));
const text = root.map((file) => stringify(file));
/** A file with a piece cut out, or with other text at some place. */
const broken = fc.tuple(text, fc.nat(), fc.nat({ max: 20 }), words).map(([whole, position, gone, added]) => {
  const at = position % (whole.length + 1);
  return whole.slice(0, at) + added + whole.slice(at + gone);
});

function checkEntry({ address: given, capabilities, connectMs, headers }: HostEntry): void {
  if (given !== undefined) {
    assert.match(given.origin, /^https?:\/\/[^/]+$/);
    assert.ok(!/\/$|\/\/|[?#]/.test(given.apiPath), given.apiPath);
  }
  assert.ok(capabilities.size > 0);
  assert.ok(connectMs === undefined || (Number.isSafeInteger(connectMs) && connectMs >= 1 && connectMs <= 3_600_000));
  new Headers(Object.entries(headers).flatMap(([name, all]) => all.map((one): [string, string] => [name, one])));
}

function parsed(file: string): HostsFile {
  const result = accepted(['FAILED_PRECONDITION'], () => parseHostsFile('/etc/hosts.toml', file));
  for (const entry of [...result.mirrors, result.server]) checkEntry(entry);
  return result;
}

it(
  'a file of the usual keys means what it says or is refused',
  fuzzed(root, (file) => {
    const result = parsed(stringify(file));
    assert.equal(result.mirrors.length, Object.keys(file.host).length);
    for (const [index, entry] of Object.values(file.host).entries()) {
      assert.equal(result.mirrors[index]?.skipVerify, entry.skip_verify ?? false);
      assert.deepEqual(result.mirrors[index]?.ca, [entry.ca ?? []].flat());
    }
  }),
);

const anything = fc.oneof(
  { weight: 3, arbitrary: broken },
  { weight: 3, arbitrary: text },
  fc.string({ maxLength: 200 }),
);

it(
  'text of any kind is parsed or refused',
  fuzzed(anything, (file) => {
    parsed(file);
  }),
);
