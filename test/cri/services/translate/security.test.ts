import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinuxContainerSecurityContext, LinuxSandboxSecurityContext } from '../../../../cri/api/generated/index.js';
import { type DeepPartial, decodeMessage, encodeMessage, type MessageCodec } from '../../../../cri/api/wire.js';
import { containerSecurity, podSecurity } from '../../../../cri/services/translate/security.js';

const container = (message: DeepPartial<LinuxContainerSecurityContext>) =>
  containerSecurity(received(LinuxContainerSecurityContext, message), 'f');
const pod = (message: DeepPartial<LinuxSandboxSecurityContext>) =>
  podSecurity(received(LinuxSandboxSecurityContext, message), 'f');
const refused = (field: string) => ({ code: 'INVALID_ARGUMENT', message: new RegExp(`^f\\.${field} `) });

/** As it arrives: every field there. */
function received<T>(codec: MessageCodec<T>, message: DeepPartial<NoInfer<T>>): T {
  return decodeMessage(codec, encodeMessage(codec, message));
}

test('nothing is the pod’s namespaces, no user, no profile', () => {
  const namespaces = { network: 'pod', pid: 'pod', ipc: 'pod', targetId: '', user: undefined };
  for (const security of [containerSecurity(undefined, 'f'), container({}), podSecurity(undefined, 'f'), pod({})]) {
    assert.deepEqual(security.namespaces, namespaces);
    const { privileged, runAsUser, seccomp, apparmor, selinux } = security;
    assert.deepEqual(
      [privileged, runAsUser, seccomp, apparmor, selinux],
      [false, undefined, undefined, undefined, undefined],
    );
  }
});

test('the older forms of profiles mean what the current ones do, and the current one wins', () => {
  const forms: Readonly<Record<string, string>> = {
    'runtime/default': 'runtime-default',
    'docker/default': 'runtime-default',
    unconfined: 'unconfined',
    'localhost//etc/a.json': 'localhost',
  };
  for (const [text, type] of Object.entries(forms)) {
    assert.equal(container({ seccompProfilePath: text }).seccomp?.type, type);
    assert.equal(container({ apparmorProfile: text }).apparmor?.type, type);
    assert.equal(pod({ seccompProfilePath: text }).seccomp?.type, type);
  }
  assert.equal(container({ seccompProfilePath: 'localhost//etc/a.json' }).seccomp?.localhostRef, '/etc/a.json');
  assert.equal(
    container({ seccompProfilePath: 'unconfined', seccomp: { profileType: 0 } }).seccomp?.type,
    'runtime-default',
  );
  assert.throws(() => container({ seccompProfilePath: 'localhost/a.json' }), refused('seccomp_profile_path'));
  assert.throws(
    () => container({ seccomp: { profileType: 2, localhostRef: 'a.json' } }),
    refused('seccomp.localhost_ref'),
  );
  assert.throws(() => pod({ apparmor: { profileType: 2 } }), refused('apparmor.localhost_ref'));
});

test('ids are those that the kernel has', () => {
  const { runAsUser, supplementalGroups } = container({
    runAsUser: { value: 0n },
    supplementalGroups: [2n ** 32n - 2n],
  });
  assert.deepEqual([runAsUser, supplementalGroups], [0, [4_294_967_294]]);
  assert.throws(() => container({ runAsUser: { value: 2n ** 32n - 1n } }), refused('run_as_user'));
  assert.throws(() => pod({ supplementalGroups: [0n, -1n] }), refused('supplemental_groups\\[1\\]'));
});

test('a target is for a container, by its id', () => {
  const target = { namespaceOptions: { pid: 3, targetId: 'abc' } };
  assert.deepEqual([container(target).namespaces.pid, container(target).namespaces.targetId], ['target', 'abc']);
  assert.throws(() => pod(target), refused('namespace_options.pid'));
  assert.throws(() => container({ namespaceOptions: { pid: 3 } }), refused('namespace_options.target_id'));
});

test('a SELinux label that says nothing is none; colons are for the level', () => {
  assert.equal(container({ selinuxOptions: {} }).selinux, undefined);
  assert.equal(container({ selinuxOptions: { level: 's0:c1,c2' } }).selinux?.level, 's0:c1,c2');
  assert.throws(() => container({ selinuxOptions: { type: 'a:b' } }), refused('selinux_options.type'));
});
