import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elementsOf, publishedPorts, refuseConflicts } from '../../../../sandbox/network/bridge/host-ports.js';
import { request, tcpPort } from '../support.js';
import { bridgeRecord } from './bridge-record.js';

const published = (...portMappings: ReturnType<typeof tcpPort>[]) =>
  publishedPorts(request('p', '/ns', { portMappings }));
const invalid = (message: RegExp) => ({ code: 'INVALID_ARGUMENT', message });

test('without a host port nothing is published; addresses are canonical; the same twice is once', () => {
  assert.deepEqual(published(tcpPort(0, 80)), []);
  assert.deepEqual(published(tcpPort(8080, 80, 'FD00:0::1')), [tcpPort(8080, 80, 'fd00::1')]);
  assert.equal(published(tcpPort(8080, 80), tcpPort(8080, 80)).length, 1);
});

test('ports are from 1 to 65535, on both sides', () => {
  for (const [host, container] of [
    [65_536, 80],
    [-1, 80],
    [80, 0],
    [80, 65_536],
  ] as const) {
    assert.throws(() => published(tcpPort(host, container)), invalid(/both must be from 1 to 65535/));
  }
  assert.equal(published(tcpPort(65_535, 1)).length, 1);
  assert.throws(() => published(tcpPort(80, 80, 'localhost')), invalid(/"localhost" is no IP address/));
});

test('one host port for two of the pod is refused, wherever their addresses overlap', () => {
  for (const [one, other] of [
    ['', ''],
    ['', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1'],
    ['0.0.0.0', '10.0.0.1'],
    ['::', 'fd00::1'],
  ] as const) {
    assert.throws(() => published(tcpPort(80, 80, one), tcpPort(80, 81, other)), invalid(/mapped twice/), one);
  }
  for (const [one, other] of [
    ['10.0.0.1', '10.0.0.2'],
    ['0.0.0.0', 'fd00::1'],
    ['0.0.0.0', '::'],
  ] as const) {
    assert.equal(published(tcpPort(80, 80, one), tcpPort(80, 81, other)).length, 2, `${one} ${other}`);
  }
  const udp = { ...tcpPort(80, 80), protocol: 'udp' } as const;
  assert.equal(publishedPorts(request('p', '/ns', { portMappings: [tcpPort(80, 80), udp] })).length, 2);
});

test("another pod's port is refused with that pod's name", () => {
  const records = [bridgeRecord({ ports: [tcpPort(80, 80, '10.0.0.1')] })];
  assert.throws(() => refuseConflicts([tcpPort(80, 1)], records), {
    code: 'ALREADY_EXISTS',
    message: /host port 80\/tcp belongs to pod default\/web \(id\)/,
  });
  refuseConflicts([tcpPort(81, 1), tcpPort(80, 1, '10.0.0.2')], records);
});

test('elements go to the map of their family, and of their address where there is one', () => {
  const elements = (hostIp: string) => elementsOf(bridgeRecord({ ports: [tcpPort(8080, 80, hostIp)] }));
  assert.deepEqual(elements(''), [
    { map: 'ports4', element: 'tcp . 8080 : 10.0.0.2 . 80' },
    { map: 'ports6', element: 'tcp . 8080 : fd00::2 . 80' },
  ]);
  assert.deepEqual(elements('0.0.0.0'), [{ map: 'ports4', element: 'tcp . 8080 : 10.0.0.2 . 80' }]);
  assert.deepEqual(elements('fd00::9'), [{ map: 'ports6_of', element: 'fd00::9 . tcp . 8080 : fd00::2 . 80' }]);
});
