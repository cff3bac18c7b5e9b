import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamespaceMode, SecurityProfile_ProfileType as ProfileType } from '../../../../cri/api/generated/index.js';
import { readManifest } from '../../../../cri/cli/manifest.js';
import { containerRequest, logPathOf, podRequest } from '../../../../cri/cli/pod/requests.js';

const IDENTITY = { uid: 'u1', logDirectory: '/logs' };
const WEB = { name: 'web', image: 'nginx:1' };

const manifestOf = (spec: object = {}, web: object = {}) =>
  readManifest({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace: 'ns', labels: { app: 'x' } } },
    spec: { containers: [{ ...WEB, ...web }], ...spec },
  });

const podOf = (spec: object = {}, web: object = {}) => podRequest(manifestOf(spec, web), IDENTITY);

function containerOf(web: object = {}, spec: object = {}, attempt = 0) {
  const manifest = manifestOf(spec, web);
  const [container] = manifest.containers;
  assert.ok(container !== undefined);
  return containerRequest(manifest, IDENTITY, container, [], attempt);
}

test('tools find a pod and its containers by the labels that a kubelet gives them', () => {
  const ofPod = { 'io.kubernetes.pod.name': 'pod', 'io.kubernetes.pod.namespace': 'ns', 'io.kubernetes.pod.uid': 'u1' };
  assert.deepEqual(podOf().labels, { app: 'x', ...ofPod });
  assert.deepEqual(containerOf().labels, { ...ofPod, 'io.kubernetes.container.name': 'web' });
});

test('each attempt has a log of its own', () => {
  const { metadata, logPath, annotations } = containerOf({}, {}, 3);
  assert.deepEqual([metadata, logPath], [{ name: 'web', attempt: 3 }, 'web/3.log']);
  assert.equal(annotations?.['io.kubernetes.container.restartCount'], '3');
  assert.equal(logPathOf('web', 0), 'web/0.log');
});

test('on the host’s network there are no ports to map and no name of its own', () => {
  const ports = [{ containerPort: 80, hostPort: 8080, protocol: 'UDP', hostIP: '127.0.0.1' }];
  const mapped = podOf({}, { ports });
  assert.deepEqual(mapped.portMappings, [{ protocol: 1, containerPort: 80, hostPort: 8080, hostIp: '127.0.0.1' }]);
  assert.equal(mapped.hostname, 'pod');
  const host = podOf({ hostNetwork: true }, { ports });
  assert.deepEqual([host.portMappings, host.hostname], [[], '']);
  assert.equal(host.linux?.securityContext?.namespaceOptions?.network, NamespaceMode.NODE);
});

test('PID namespaces are each container’s own unless the pod shares one, or has the host’s', () => {
  const pid = (spec: object) => [
    podOf(spec).linux?.securityContext?.namespaceOptions?.pid,
    containerOf({}, spec).linux?.securityContext?.namespaceOptions?.pid,
  ];
  assert.deepEqual(pid({}), [NamespaceMode.CONTAINER, NamespaceMode.CONTAINER]);
  assert.deepEqual(pid({ shareProcessNamespace: true }), [NamespaceMode.POD, NamespaceMode.POD]);
  assert.deepEqual(pid({ hostPID: true }), [NamespaceMode.NODE, NamespaceMode.NODE]);
});

test('a privileged container has nothing hidden and no seccomp, and its pod must say so too', () => {
  const secure = { securityContext: { privileged: true } };
  const context = containerOf(secure).linux?.securityContext;
  assert.deepEqual([context?.maskedPaths, context?.readonlyPaths], [[], []]);
  assert.equal(context?.seccomp?.profileType, ProfileType.Unconfined);
  assert.equal(podOf({}, secure).linux?.securityContext?.privileged, true);
  const plain = containerOf().linux?.securityContext;
  assert.ok(plain?.maskedPaths?.includes('/proc/kcore') && plain.readonlyPaths?.includes('/proc/sys'));
  assert.equal(plain?.seccomp?.profileType, ProfileType.RuntimeDefault);
  assert.equal(podOf().linux?.securityContext?.privileged, false);
});

test('no_new_privs is the opposite of what the manifest says, and a process is in the group of its volumes', () => {
  const no = { securityContext: { allowPrivilegeEscalation: false, runAsUser: 0 } };
  const context = containerOf(no, { securityContext: { fsGroup: 2000 } }).linux?.securityContext;
  assert.deepEqual([context?.noNewPrivs, context?.runAsUser?.value], [true, 0n]);
  assert.deepEqual(context?.supplementalGroups, [2000n]);
  const plain = containerOf().linux?.securityContext;
  assert.deepEqual([plain?.noNewPrivs, plain?.runAsUser, plain?.supplementalGroups], [false, undefined, []]);
});

test('$(NAME) in a command is the value of the container’s own environment', () => {
  const env = [
    { name: 'PORT', value: '80' },
    { name: 'URL', value: 'http://x:$(PORT)' },
  ];
  const { command, args, envs } = containerOf({ env, command: ['run', '$(URL)'], args: ['$$(PORT)', '$(NONE)'] });
  assert.deepEqual(
    [command, args],
    [
      ['run', 'http://x:80'],
      ['$(PORT)', '$(NONE)'],
    ],
  );
  assert.deepEqual(envs?.[1], { key: 'URL', value: 'http://x:80' });
});

test('limits are the cgroup’s numbers, of the pod the sum', () => {
  const resources = { limits: { cpu: '500m', memory: '64Mi' } };
  const numbers = containerOf({ resources }).linux?.resources;
  assert.deepEqual([numbers?.cpuQuota, numbers?.cpuPeriod], [50_000n, 100_000n]);
  assert.equal(numbers?.memoryLimitInBytes, BigInt(64 << 20));
  const two = {
    containers: [
      { ...WEB, resources },
      { name: 'other', image: 'x', resources },
    ],
  };
  assert.equal(podOf(two).linux?.resources?.memoryLimitInBytes, BigInt(128 << 20));
});
