import assert from 'node:assert/strict';
import net from 'node:net';
import { it } from 'node:test';
import fc from 'fast-check';
import { parsePluginError, parseResult, podAddresses } from '../../../../sandbox/network/cni/result.js';
import { accepted, fuzzed } from '../../../support/fuzz.js';

const key = fc.constantFrom('ips', 'interfaces', 'address', 'interface', 'name', 'sandbox', 'code', 'msg', '__proto__');
const prefixed = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat({ max: 33 })).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.nat({ max: 129 })).map(([address, prefix]) => `${address}/${prefix}`),
);
const leaf = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.constant(null), fc.boolean(), prefixed);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, leaf, fc.dictionary(key, tie('tree')), fc.array(tie('tree'), { maxLength: 4 })),
}));
const name = fc.oneof(fc.constantFrom('eth0', 'cni0', 'veth1'), fc.string({ maxLength: 70 }));
const plausible = fc.record(
  {
    cniVersion: fc.constantFrom('1.0.0', '0.4.0'),
    interfaces: fc.array(
      fc.record({ name, sandbox: fc.constantFrom('', '/run/netns/a') }, { requiredKeys: ['name'] }),
      {
        maxLength: 5,
      },
    ),
    ips: fc.array(
      fc.record(
        { address: prefixed, interface: fc.oneof(fc.nat({ max: 5 }), fc.constant(null)) },
        { requiredKeys: ['address'] },
      ),
      { maxLength: 5 },
    ),
    dns: tree,
  },
  { requiredKeys: [] },
);
/** What a plugin that works may say of the pod's interface and others. */
const sound = fc
  .tuple(
    fc.array(fc.tuple(fc.ipV4(), fc.nat({ max: 32 }), fc.constantFrom(0, 1, null)), { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.ipV6(), fc.nat({ max: 128 }), fc.constantFrom(0, 1, null)), { maxLength: 4 }),
    fc.constantFrom('cni0', 'eth0'),
  )
  .map(([v4, v6, other]) => ({
    cniVersion: '1.0.0',
    interfaces: [{ name: 'eth0', sandbox: '/run/netns/a' }, { name: other }],
    ips: [...v4, ...v6].map(([address, prefix, index]) => ({ address: `${address}/${prefix}`, interface: index })),
  }));
const json = fc
  .oneof({ weight: 3, arbitrary: sound }, { weight: 2, arbitrary: plausible }, tree, fc.dictionary(key, tree))
  .map((value) => JSON.stringify(value) ?? '');
/** Also cut off at some place, as by a plugin that is killed while it writes. */
const text = fc.oneof(
  { weight: 6, arbitrary: json },
  fc.tuple(json, fc.nat()).map(([whole, at]) => whole.slice(0, at % (whole.length + 1))),
  fc.string(),
);

it(
  'a result is sound addresses or refused with INTERNAL that names the plugin',
  fuzzed(text, (given) => {
    const result = accepted(['INTERNAL'], () => parseResult(given, 'bridge'));
    for (const ip of result.ips) {
      assert.ok(net.isIP(ip.address) !== 0, ip.address);
      assert.ok(ip.interface === undefined || result.interfaces[ip.interface] !== undefined);
    }
    const own = accepted(['INTERNAL'], () => podAddresses(result, 'eth0', 'bridge'));
    assert.ok(own.length > 0 && new Set(own).size === own.length);
    assert.ok(own.every((address) => result.ips.some((ip) => ip.address === address)));
  }),
);

it(
  "a plugin's error is a code and a bounded message, or none",
  fuzzed(text, (given) => {
    const error = parsePluginError(given);
    if (error === undefined) return;
    assert.equal(typeof error.code, 'number');
    assert.ok(error.message.length <= 4096);
  }),
);
