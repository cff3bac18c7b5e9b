import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNetwork, DEFAULT_BRIDGE } from '../../../sandbox/network/index.js';
import { NetworkRecords } from '../../../sandbox/network/records.js';
import { until } from '../../support/until.js';
import { bridgeRecord } from './bridge/bridge-record.js';
import { cniRecord } from './cni/cni-record.js';
import { request, SIGNAL, silent, temporary } from './support.js';

test('a pod is taken back by the kind that its record names, and is attached until then', async (t) => {
  const root = await temporary(t);
  const records = new NetworkRecords(root, silent);
  await records.load();
  await records.save(
    cniRecord({ podId: 'by-cni', config: { name: 'n', cniVersion: '1.0.0', plugins: [{ type: 'gone' }] } }),
    true,
  );
  await records.save(bridgeRecord({ podId: 'by-bridge', bridge: 'cribtstnone', link: 'cribtstnone1' }), true);
  const network = createNetwork({ mode: 'cni', root, confDir: root, binDirs: [root], log: silent });
  t.after(() => network.close());
  await network.open();
  assert.deepEqual([...network.attached()].sort(), ['by-bridge', 'by-cni']);
  await assert.rejects(network.attach(request('by-cni', '/ns'), SIGNAL), {
    code: 'ALREADY_EXISTS',
    message: /by-cni is attached already/,
  });
  for (const podId of ['by-cni', 'by-bridge', 'never']) {
    await network.detach(podId, SIGNAL);
    await network.detach(podId, SIGNAL);
  }
  await until(() => network.attached().length === 0, 'the kernel has taken the interface away');
  await network.destroy();
});

test('without a CNI configuration the node is not ready, and says where it looked', async (t) => {
  const root = await temporary(t);
  const network = createNetwork({ mode: 'cni', root, confDir: `${root}/net.d`, binDirs: [], log: silent });
  t.after(() => network.close());
  await network.open();
  const { ready, reason, message } = network.readiness();
  assert.deepEqual([ready, reason], [false, 'NetworkPluginNotReady']);
  assert.ok(message.includes(`${root}/net.d`), message);
});

test('the default bridge can be meant', () => {
  const options = { mode: 'bridge', root: '/x', confDir: '/x', binDirs: [], log: silent } as const;
  createNetwork(options);
  assert.throws(() => createNetwork({ ...options, bridge: { ...DEFAULT_BRIDGE, subnets: ['10.0.0.0/31'] } }), {
    code: 'INVALID_ARGUMENT',
  });
});
