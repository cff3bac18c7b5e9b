import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NamespaceMode } from '../../../runtime/containers/config.js';
import { podSysctls } from '../../../sandbox/host/sysctls.js';
import { podConfig } from '../../support/configs.js';

function sysctlsOf(sysctls: Record<string, string>, network: NamespaceMode = 'pod', ipc: NamespaceMode = 'pod') {
  const config = podConfig();
  const namespaces = { ...config.security.namespaces, network, ipc };
  return podSysctls({ ...config, sysctls, security: { ...config.security, namespaces } });
}

test('what a namespace of the pod holds may be set', () => {
  const wanted = {
    'net.ipv4.ip_forward': '1',
    'kernel.shmmax': '1',
    'fs.mqueue.msg_max': '5',
    'kernel.sem': '1 2 3 4',
  };
  assert.deepEqual(sysctlsOf(wanted), {
    'net.ipv4.ip_unprivileged_port_start': '0',
    'net.ipv4.ping_group_range': '0 2147483647',
    ...wanted,
  });
  assert.equal(sysctlsOf({ 'net/ipv4/ip_forward': '1' })['net.ipv4.ip_forward'], '1');
});

test('what would change the host is refused by its name', () => {
  for (const key of ['vm.swappiness', 'kernel.panic', 'kernel.hostname', 'fs.file-max', '../x', 'net..a', 'net', '']) {
    assert.throws(() => sysctlsOf({ [key]: '1' }), { code: 'INVALID_ARGUMENT' }, key);
  }
  assert.throws(() => sysctlsOf({ 'net.ipv4.ip_forward': '1' }, 'node'), /host's network namespace/);
  assert.throws(() => sysctlsOf({ 'kernel.shmmax': '1' }, 'pod', 'node'), /host's IPC namespace/);
});
