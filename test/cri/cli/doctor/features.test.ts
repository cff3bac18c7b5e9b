import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { checkpointCheck, runtimeFeatureChecks, streamingCheck } from '../../../../cri/cli/doctor/features.js';
import { criuObstacle } from '../../../../runtime/oci/criu.js';

const FEATURES = {
  recursiveReadOnly: true,
  userNamespaces: true,
  userNamespaceSubmounts: true,
  userNamespaceObstacle: '',
};

test('what a runtime was tried with is told, and why something is not there', () => {
  const whole = runtimeFeatureChecks({ name: 'runc', features: FEATURES });
  assert.deepEqual(
    whole.map(({ what, state }) => [what, state]),
    [
      ['recursive read-only mounts, runc', 'ok'],
      ['user namespaces, runc', 'ok'],
    ],
  );
  const none = { ...FEATURES, recursiveReadOnly: false, userNamespaces: false, userNamespaceObstacle: 'no idmap' };
  const [recursive, namespaced] = runtimeFeatureChecks({ name: 'runc', features: none });
  assert.equal(recursive?.state, 'limited');
  assert.deepEqual([namespaced?.state, namespaced?.detail], ['limited', 'no idmap']);
});

test('a streaming address that this host has not is missing; one in use may be the daemon’s', async (t) => {
  assert.equal((await streamingCheck('127.0.0.1:0')).state, 'ok');
  const elsewhere = await streamingCheck('192.0.2.1:0');
  assert.equal(elsewhere.state, 'missing');
  assert.match(elsewhere.detail, /EADDRNOTAVAIL/);
  assert.equal((await streamingCheck('nonsense')).state, 'missing');
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as net.AddressInfo;
  assert.match((await streamingCheck(`127.0.0.1:${port}`)).detail, /in use/);
});

test('CRIU is said to work only where it says so itself', async () => {
  const obstacle = await criuObstacle();
  const { state, detail } = await checkpointCheck();
  assert.equal(state, obstacle === undefined ? 'ok' : 'limited');
  assert.ok(detail.includes(obstacle ?? 'can be checkpointed'));
});
