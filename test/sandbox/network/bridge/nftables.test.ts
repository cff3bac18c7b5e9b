import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parseSubnet } from '../../../../sandbox/network/addresses.js';
import { deleteTable, publish, replaceTable, tableOf, unpublish } from '../../../../sandbox/network/bridge/nftables.js';
import { command, SIGNAL, tcpPort } from '../support.js';
import { bridgeRecord } from './bridge-record.js';

const BRIDGE = 'cribtstnft0';
const SUBNETS = ['10.201.10.0/24', 'fd00:201:10::/64'].map(parseSubnet);
const one = bridgeRecord({
  podId: 'one',
  bridge: BRIDGE,
  ports: [tcpPort(29_101, 80), tcpPort(29_102, 81, '10.9.9.9')],
});
const two = bridgeRecord({ podId: 'two', bridge: BRIDGE, addresses: ['10.0.0.3'], ports: [tcpPort(29_103, 80)] });
const list = () => command('nft', 'list', 'table', 'inet', tableOf(BRIDGE));

after(() => deleteTable(BRIDGE, SIGNAL));

test('a table has the ports of the records that it is made of, and no others when it is made anew', async () => {
  await replaceTable(BRIDGE, SUBNETS, [one, two], SIGNAL);
  const before = await list();
  for (const element of ['tcp . 29101 : 10.0.0.2 . 80', 'tcp . 29103 : 10.0.0.3 . 80']) {
    assert.ok(before.includes(element), element);
  }
  assert.match(before, /10\.9\.9\.9 \. tcp \. 29102 : 10\.0\.0\.2 \. 81/);
  await replaceTable(BRIDGE, SUBNETS, [two], SIGNAL);
  const after = await list();
  assert.doesNotMatch(after, /29101|29102/);
  assert.match(after, /29103/);
  assert.equal(after.match(/masquerade/g)?.length, 5, 'two for each subnet, one for 127.0.0.1');
});

test('publishing twice and taking back twice is once', async () => {
  await replaceTable(BRIDGE, SUBNETS, [], SIGNAL);
  await publish(one, SIGNAL);
  await publish(one, SIGNAL);
  await publish(two, SIGNAL);
  await unpublish(one, SIGNAL);
  await unpublish(one, SIGNAL);
  assert.doesNotMatch(await list(), /29101|29102/);
  assert.match(await list(), /29103/);
});

test('taking back works without the table, and a pod without host ports starts no process', async () => {
  await deleteTable(BRIDGE, SIGNAL);
  await deleteTable(BRIDGE, SIGNAL);
  await unpublish(one, SIGNAL);
  const aborted = AbortSignal.abort();
  await publish(bridgeRecord(), aborted);
  await unpublish(bridgeRecord(), aborted);
  await assert.rejects(publish(one, aborted), { code: 'CANCELLED' });
});

test("nft's refusal says what was attempted, for which pod", async () => {
  await deleteTable(BRIDGE, SIGNAL);
  await assert.rejects(publish(one, SIGNAL), {
    code: 'INTERNAL',
    message: /^nftables: publish host ports of pod default\/web: /,
  });
});
