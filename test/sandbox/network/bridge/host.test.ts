import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { parseSubnet } from '../../../../sandbox/network/addresses.js';
import { AddressAllocator } from '../../../../sandbox/network/bridge/allocator.js';
import { ensureBridge, hardwareAddress } from '../../../../sandbox/network/bridge/host.js';
import { command } from '../support.js';

const gatewayOf = (subnet: string) => {
  const { gateway, prefix } = new AddressAllocator(parseSubnet(subnet));
  return { address: gateway, prefix };
};
const GATEWAYS = [gatewayOf('10.201.9.0/24'), gatewayOf('fd00:201:9::/64')];
const sysctl = async (key: string) => (await fs.readFile(`/proc/sys/net/${key}`, 'utf8')).trim();

function cleanUp(t: TestContext, name: string): void {
  t.after(() => command('ip', 'link', 'delete', name).catch(() => undefined));
}

test('the bridge is made once, with its gateways, up, and the host forwards for it', async (t) => {
  cleanUp(t, 'cribtsthost0');
  const first = await ensureBridge('cribtsthost0', GATEWAYS, 1400);
  const again = await ensureBridge('cribtsthost0', GATEWAYS, 1400);
  assert.equal(again.index, first.index);
  const shown = await command('ip', '-o', 'address', 'show', 'dev', 'cribtsthost0');
  assert.match(shown, /inet 10\.201\.9\.1\/24/);
  assert.match(shown, /inet6 fd00:201:9::1\/64/);
  const link = await command('ip', '-o', 'link', 'show', 'dev', 'cribtsthost0');
  assert.match(link, /mtu 1400/);
  assert.match(link, /link\/ether 0a:58:0a:c9:09:01/);
  assert.match(link, /[<,]UP[,>]/);
  assert.equal(await sysctl('ipv4/ip_forward'), '1');
  assert.equal(await sysctl('ipv4/conf/cribtsthost0/route_localnet'), '1');
  assert.equal(await sysctl('ipv6/conf/all/forwarding'), '1');
});

test('what somebody took from it is put back', async (t) => {
  cleanUp(t, 'cribtsthost1');
  await ensureBridge('cribtsthost1', GATEWAYS.slice(0, 1), undefined);
  await command('ip', 'link', 'set', 'cribtsthost1', 'down');
  await command('ip', 'address', 'flush', 'dev', 'cribtsthost1');
  await ensureBridge('cribtsthost1', GATEWAYS.slice(0, 1), undefined);
  assert.match(await command('ip', '-o', 'address', 'show', 'dev', 'cribtsthost1'), /inet 10\.201\.9\.1\/24/);
  assert.match(await command('ip', '-o', 'link', 'show', 'dev', 'cribtsthost1'), /[<,]UP[,>]/);
});

test('an interface of that name that is no bridge is left alone', async (t) => {
  cleanUp(t, 'cribtsthost2');
  await command('ip', 'link', 'add', 'cribtsthost2', 'type', 'veth', 'peer', 'name', 'cribtstpeer2');
  await assert.rejects(ensureBridge('cribtsthost2', GATEWAYS, undefined), {
    code: 'FAILED_PRECONDITION',
    message: /cribtsthost2 exists and is no bridge/,
  });
  assert.doesNotMatch(await command('ip', '-o', 'address', 'show', 'dev', 'cribtsthost2'), /inet /);
});

test('hardware addresses follow the last four bytes, and are locally administered unicast ones', () => {
  const [four, six] = GATEWAYS.map(({ address }) => hardwareAddress(address));
  assert.equal(four?.toString('hex'), '0a580ac90901');
  assert.equal(six?.toString('hex'), '0a5800000001');
});
