import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PodSandboxConfig } from '../../../../cri/api/generated/index.js';
import { type DeepPartial, decodeMessage, encodeMessage } from '../../../../cri/api/wire.js';
import { podConfigOf } from '../../../../cri/services/translate/pod-config.js';

const translated = (message: DeepPartial<PodSandboxConfig>) => {
  const metadata = { name: 'a', uid: 'b', namespace: 'c', attempt: 2 };
  return podConfigOf(
    decodeMessage(PodSandboxConfig, encodeMessage(PodSandboxConfig, { metadata, ...message })),
    'config',
  );
};
const refused = (field: string) => ({ code: 'INVALID_ARGUMENT', message: new RegExp(`^config\\.${field} `) });

test('what is left out is empty, not undefined, where the sandbox has a default', () => {
  const { metadata, hostname, logDirectory, dns, cgroupParent, resources, portMappings } = translated({});
  assert.deepEqual(metadata, { name: 'a', uid: 'b', namespace: 'c', attempt: 2 });
  assert.deepEqual(
    [hostname, logDirectory, dns, cgroupParent, resources, portMappings],
    ['', '', undefined, '', undefined, []],
  );
});

test('a cgroup parent is a path from the root of the hierarchy', () => {
  for (const cgroupParent of ['/kubepods/pod1', 'kubepods/pod1', '//kubepods//pod1/']) {
    assert.equal(translated({ linux: { cgroupParent } }).cgroupParent, '/kubepods/pod1');
  }
  for (const cgroupParent of ['/a/..', '../a', '/']) {
    assert.throws(() => translated({ linux: { cgroupParent } }), refused('linux.cgroup_parent'), cgroupParent);
  }
});

test('a host port leads to one place; said twice it is the same place', () => {
  const port = (containerPort: number, hostIp = '', protocol = 0) => ({
    containerPort,
    hostPort: 80,
    hostIp,
    protocol,
  });
  const both = (...portMappings: ReturnType<typeof port>[]) => translated({ portMappings }).portMappings.length;
  assert.equal(both(port(1), port(1)), 2);
  assert.equal(both(port(1), port(2, '', 1)), 2);
  assert.equal(both(port(1, '10.0.0.1'), port(2, '10.0.0.2')), 2);
  assert.equal(translated({ portMappings: [{ containerPort: 1 }, { containerPort: 2 }] }).portMappings.length, 2);
  for (const pair of [
    [port(1), port(2)],
    [port(1, '10.0.0.1'), port(2)],
    [port(1, '10.0.0.1'), port(2, '10.0.0.1')],
  ]) {
    assert.throws(() => both(...pair), refused('port_mappings\\[1\\]\\.host_port'));
  }
});

test('what would become another line or word of a file is refused', () => {
  for (const word of ['', 'a b', 'a\nb', 'a\tb', 'a\0']) {
    assert.throws(
      () => translated({ dnsConfig: { servers: ['1.1.1.1', word] } }),
      refused('dns_config\\.servers\\[1\\]'),
    );
  }
  for (const hostname of ['a b', 'a\nb', 'a/b', 'a\0', 'h'.repeat(65)]) {
    assert.throws(() => translated({ hostname }), refused('hostname'));
  }
  assert.throws(
    () => translated({ linux: { sysctls: { 'net.x': '1\0' } } }),
    refused('linux\\.sysctls\\["net\\.x"\\]'),
  );
});
