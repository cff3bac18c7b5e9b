import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContainerStatus, PodSandboxStatus, Signal } from '../../../../cri/api/generated/index.js';
import { decodeMessage, encodeMessage } from '../../../../cri/api/wire.js';
import {
  containerMessage,
  containerStatusMessage,
  podStatusMessage,
} from '../../../../cri/services/translate/status.js';
import type { ImageRecord } from '../../../../runtime/images/types.js';
import type { ContainerView, PodView } from '../../../../sandbox/types.js';
import { containerConfig, NO_RESOURCES, podConfig } from '../../../support/configs.js';

const pod = (change: Partial<PodView> = {}): PodView => ({
  ...{ id: 'p', config: podConfig('p'), handler: 'host', state: 'ready', createdAt: 5n, ips: ['10.0.0.2', 'fd00::2'] },
  ...change,
});
const container = (change: Partial<ContainerView> = {}): ContainerView => ({
  ...{ id: 'c', podId: 'p', config: containerConfig('c', 'sha256:1'), imageId: 'sha256:1', imageRef: 'a@sha256:2' },
  ...{
    state: 'exited',
    createdAt: 1n,
    startedAt: 2n,
    finishedAt: 3n,
    exitCode: 137,
    reason: 'OOMKilled',
    message: 'm',
  },
  ...{
    logPath: '/l',
    user: { uid: 1000, gid: 2000, additionalGids: [2000, 3000], home: '/' },
    resources: NO_RESOURCES,
  },
  ...{ stopSignal: 'SIGRTMIN+3', pid: 0, volumes: [] },
  ...change,
});
const images = (...found: Partial<ImageRecord>[]) => ({ find: () => found[0] as ImageRecord | undefined });
/** As a client gets it. */
const status = (view: ContainerView, from = images()) =>
  decodeMessage(ContainerStatus, encodeMessage(ContainerStatus, containerStatusMessage(view, from)));

test('a pod: its addresses, the primary one apart, and the namespaces that it has', () => {
  const { network, linux, state } = decodeMessage(
    PodSandboxStatus,
    encodeMessage(PodSandboxStatus, podStatusMessage(pod())),
  );
  assert.deepEqual([network?.ip, network?.additionalIps, state], ['10.0.0.2', [{ ip: 'fd00::2' }], 0]);
  assert.deepEqual(linux?.namespaces?.options, { network: 0, pid: 1, ipc: 0, targetId: '', usernsOptions: undefined });
  assert.equal(podStatusMessage(pod({ state: 'not-ready', ips: [] })).state, 1);
  assert.equal(podStatusMessage(pod({ ips: [] })).network?.ip, '');
});

test('a user namespace is shown with its mappings', () => {
  const mapping = [{ hostId: 100_000, containerId: 0, length: 65_536 }];
  const base = podConfig('p');
  const namespaces = { ...base.security.namespaces, user: { uids: mapping, gids: mapping } };
  const message = podStatusMessage(pod({ config: { ...base, security: { ...base.security, namespaces } } }));
  assert.deepEqual(message.linux?.namespaces?.options?.usernsOptions, { mode: 0, uids: mapping, gids: mapping });
});

test('a container that has ended: when, how, and as whom it ran', () => {
  const { state, exitCode, reason, finishedAt, user, stopSignal, logPath } = status(container());
  assert.deepEqual([state, exitCode, reason, finishedAt, logPath], [2, 137, 'OOMKilled', 3n, '/l']);
  assert.deepEqual(user?.linux, { uid: 1000n, gid: 2000n, supplementalGroups: [2000n, 3000n] });
  assert.equal(stopSignal, Signal.SIGRTMINPLUS3);
  const states = (['created', 'running', 'exited', 'unknown'] as const).map(
    (one) => containerMessage(container({ state: one })).state,
  );
  assert.deepEqual(states, [0, 1, 2, 3]);
});

test('people read a tag, else a digest; what a kubelet asked for is the last resort', () => {
  const names = [images({ tags: ['a:1'], digests: ['a@x'] }), images({ tags: [], digests: ['a@x'] }), images()];
  assert.deepEqual(
    names.map((from) => status(container(), from).image?.image),
    ['a:1', 'a@x', 'sha256:1'],
  );
});

test('of several names people read the one that the pod asks for, as long as the image has it', () => {
  const from = images({ tags: ['docker.io/library/b:1', 'docker.io/library/b:latest'], digests: ['x.io/b@sha256:2'] });
  const shown = (userSpecifiedImage: string) => {
    const config = containerConfig('c', 'sha256:1');
    return status(container({ config: { ...config, image: { ...config.image, userSpecifiedImage } } }), from).image
      ?.image;
  };
  assert.equal(shown('b'), 'docker.io/library/b:latest');
  assert.equal(shown('b:1'), 'docker.io/library/b:1');
  assert.equal(shown('x.io/gone:1'), 'docker.io/library/b:1');
});
