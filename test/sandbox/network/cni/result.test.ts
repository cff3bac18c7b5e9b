import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseResult, podAddresses, recordedAddresses } from '../../../../sandbox/network/cni/result.js';

describe('a CNI result', () => {
  it('gives the addresses of the pod interface, canonical and once', () => {
    const result = parseResult(
      JSON.stringify({
        cniVersion: '1.0.0',
        interfaces: [{ name: 'cni0' }, { name: 'veth1' }, { name: 'eth0', sandbox: '/run/netns/x' }, { name: 'eth0' }],
        ips: [
          { address: '10.1.2.3/24', interface: 2 },
          { address: 'FD00:0::0:5/64', interface: 2 },
          { address: '10.1.2.3/24' },
          { address: '10.9.9.9/24', interface: 0 },
          { address: '10.9.9.8/24', interface: 3 },
        ],
      }),
      'bridge',
    );
    assert.deepEqual(podAddresses(result, 'eth0', 'bridge'), ['10.1.2.3', 'fd00::5']);
    assert.throws(() => podAddresses(result, 'eth1', 'x') && podAddresses(parseResult('{}', 'x'), 'eth0', 'x'), {
      code: 'INTERNAL',
    });
  });

  it('is read from the record as far as it goes', () => {
    const own = {
      interfaces: [{ name: 'eth0', sandbox: '/run/netns/x' }],
      ips: [{ address: '10.1.2.3/24', interface: 0 }],
    };
    const of = (change: object) => recordedAddresses({ interfaceName: 'eth0', ...change });
    assert.deepEqual(of({ result: own }), ['10.1.2.3']);
    assert.deepEqual([of({}), of({ result: {} }), of({ result: { ips: 1 } })], [[], [], []]);
  });

  it('is refused when it cannot be used', () => {
    for (const bad of [
      '',
      '[]',
      'null',
      '{"ips":1}',
      '{"ips":[1]}',
      '{"ips":[{"address":"10.0.0.1"}]}',
      '{"ips":[{"address":"10.0.0.1/33"}]}',
      '{"ips":[{"address":"fe80::1%eth0/64"}]}',
      '{"ips":[{"address":"10.0.0.1/8","interface":0}]}',
      '{"ips":[{"address":"10.0.0.1/8","interface":-1}],"interfaces":[{"name":"eth0"}]}',
      '{"interfaces":[{"name":""}]}',
      '{"interfaces":[{"name":"eth0","sandbox":7}]}',
      `{"ips":[${Array(300).fill('{"address":"10.0.0.1/8"}').join()}]}`,
    ]) {
      assert.throws(() => parseResult(bad, 'p'), { code: 'INTERNAL', message: /CNI plugin p/ }, bad.slice(0, 80));
    }
  });
});
