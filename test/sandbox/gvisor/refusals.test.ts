import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkContainer, checkPod } from '../../../sandbox/gvisor/refusals.js';
import { containerConfig, podConfig } from '../../support/configs.js';

const refused = (field: RegExp) => ({ code: 'FAILED_PRECONDITION', message: field });

test("namespaces of the host are refused by the field's name", () => {
  const pod = podConfig();
  for (const kind of ['network', 'pid', 'ipc'] as const) {
    const namespaces = { ...pod.security.namespaces, [kind]: 'node' };
    const field = new RegExp(`^config\\.linux\\.security_context\\.namespace_options\\.${kind}: NODE`);
    assert.throws(() => checkPod({ ...pod, security: { ...pod.security, namespaces } }), refused(field));
    const { security } = containerConfig();
    assert.throws(
      () => checkContainer({ ...containerConfig(), security: { ...security, namespaces } }),
      refused(field),
    );
  }
});

test("what is the host kernel's is refused: sysctls, devices, AppArmor and SELinux", () => {
  const pod = podConfig();
  const container = containerConfig();
  assert.throws(() => checkPod({ ...pod, sysctls: { 'net.ipv4.ip_forward': '1' } }), refused(/sysctls\["net\.ipv4/));
  const device = { containerPath: '/dev/fuse', hostPath: '/dev/fuse', permissions: 'rw' };
  assert.throws(() => checkContainer({ ...container, devices: [device] }), refused(/^config\.devices/));
  assert.throws(() => checkContainer({ ...container, cdiDevices: ['a.b/c=d'] }), refused(/^config\.CDI_devices/));
  const profile = { type: 'localhost' as const, localhostRef: 'mine' };
  const confined = { ...container, security: { ...container.security, apparmor: profile } };
  assert.throws(() => checkContainer(confined), refused(/apparmor: Localhost/));
  const selinux = { user: '', role: '', type: 'spc_t', level: '' };
  assert.throws(() => checkPod({ ...pod, security: { ...pod.security, selinux } }), refused(/selinux_options/));
});

test('what a kubelet always sends is taken', () => {
  const selinux = { user: '', role: '', type: '', level: '' };
  const apparmor = { type: 'runtime-default' as const, localhostRef: '' };
  const { security } = podConfig();
  checkPod({ ...podConfig(), security: { ...security, selinux, apparmor } });
  checkContainer(containerConfig());
});
