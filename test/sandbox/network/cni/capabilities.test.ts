import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capabilityArgs, cniArgs, runtimeConfigOf } from '../../../../sandbox/network/cni/capabilities.js';
import { request, tcpPort } from '../support.js';

const rate = (text: string) => {
  const args = capabilityArgs(request('p', '/ns', { annotations: { 'kubernetes.io/ingress-bandwidth': text } }));
  return (args.bandwidth as { ingressRate?: number } | undefined)?.ingressRate;
};

test('CNI_ARGS name the pod, and no value can smuggle in another argument', () => {
  assert.equal(
    cniArgs(request('p1', '/ns')),
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=p1;K8S_POD_INFRA_CONTAINER_ID=p1;K8S_POD_UID=uid-p1',
  );
  for (const name of ['a;IP=10.0.0.1', 'a=b', 'a\0']) {
    const metadata = { name, namespace: 'n', uid: 'u', attempt: 0 };
    assert.throws(() => cniArgs(request('p', '/ns', { metadata })), {
      code: 'INVALID_ARGUMENT',
      message: /^K8S_POD_NAME /,
    });
  }
});

test('bandwidths are Kubernetes quantities from 1k to 1P', () => {
  for (const [text, expected] of [
    ['1k', 1000],
    ['1000', 1000],
    ['1e6', 1e6],
    ['10M', 1e7],
    ['1.5Mi', 1.5 * 2 ** 20],
    ['1P', 1e15],
    ['1000500m', 1001],
  ] as const) {
    assert.equal(rate(text), expected, text);
  }
  for (const text of ['', '0', '999', '2P', '1Pi', '10Q', '-1M', '1 M', '1e', 'NaN', '0x10000', '1kk', '1E3k']) {
    assert.throws(() => rate(text), { code: 'INVALID_ARGUMENT', message: /ingress-bandwidth: .* no quantity/ }, text);
  }
});

test('what the pod does not ask for is not there; ports without a host port are none', () => {
  assert.deepEqual(Object.keys(capabilityArgs(request('p', '/ns', { portMappings: [tcpPort(0, 80)] }))), [
    'io.kubernetes.cri.pod-annotations',
  ]);
  const args = capabilityArgs(
    request('p', '/ns', { portMappings: [tcpPort(0, 79), tcpPort(8080, 80, '10.0.0.1')], cgroupParent: '/k' }),
  );
  assert.deepEqual(args.portMappings, [{ hostPort: 8080, containerPort: 80, protocol: 'tcp', hostIP: '10.0.0.1' }]);
  assert.equal(args.cgroupPath, '/k');
});

test('a plugin is given what it declares as true, and nothing at all where that is nothing', () => {
  const args = { portMappings: [1], bandwidth: { ingressRate: 1 } };
  const config = (capabilities: unknown) => ({ type: 't', capabilities });
  assert.deepEqual(runtimeConfigOf(config({ portMappings: true, bandwidth: false, dns: true }), args), {
    portMappings: [1],
  });
  for (const capabilities of [undefined, null, 'portMappings', {}, { dns: true }, { portMappings: 'true' }]) {
    assert.equal(runtimeConfigOf(config(capabilities), args), undefined);
  }
});
