import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addAddress,
  addDefaultRoute,
  deleteLink,
  findLink,
  newBridge,
  newVeth,
  setUp,
} from '../../../runtime/linux/links.js';
import { type NetNamespace, namespace } from './net-namespace.js';

const HARDWARE = Buffer.from('02aabbccddee', 'hex');
const PEER_HARDWARE = Buffer.from('02aabbccddef', 'hex');

async function inTwo(check: (host: NetNamespace, pod: NetNamespace) => Promise<void>): Promise<void> {
  const [host, pod] = [namespace(), namespace()];
  try {
    await check(host, pod);
  } finally {
    host.close();
    pod.close();
  }
}

async function bridgeOf(host: NetNamespace, mtu?: number): Promise<number> {
  await host.socket.request([newBridge('crib9', HARDWARE, mtu)]);
  return (await findLink(host.socket, 'crib9'))?.index ?? 0;
}

const veth = (bridge: number, netns: number, mtu?: number) =>
  newVeth({ name: 'veth9', bridge, netns, peerName: 'eth0', peerHardware: PEER_HARDWARE, mtu });

test('a bridge is up, has its own hardware address and MTU, and is made once', () =>
  inTwo(async (host) => {
    const index = await bridgeOf(host, 1400);
    assert.deepEqual(await findLink(host.socket, 'crib9'), { index, kind: 'bridge' });
    const [link] = JSON.parse(host.run('ip', '-json', 'link', 'show', 'crib9'));
    assert.equal(link.address, '02:aa:bb:cc:dd:ee');
    assert.equal(link.mtu, 1400);
    assert.ok(link.flags.includes('UP'));
    await assert.rejects(bridgeOf(host), { code: 'EEXIST', message: /create bridge crib9/ });
  }));

test('a veth pair: one end a hairpin port of the bridge, the other down in the other namespace; both go at once', () =>
  inTwo(async (host, pod) => {
    await host.socket.request(veth(await bridgeOf(host), pod.fd, 1300));
    const [port] = JSON.parse(host.run('ip', '-json', '-details', 'link', 'show', 'veth9'));
    assert.equal(port.master, 'crib9');
    assert.equal(port.mtu, 1300);
    assert.equal(port.linkinfo.info_slave_data.hairpin, true);
    const [peer] = JSON.parse(pod.run('ip', '-json', 'link', 'show', 'eth0'));
    assert.equal(peer.address, '02:aa:bb:cc:dd:ef');
    assert.equal(peer.mtu, 1300);
    assert.ok(!peer.flags.includes('UP'));
    assert.deepEqual((await findLink(pod.socket, 'eth0'))?.kind, 'veth');
    await host.socket.request([deleteLink('veth9')]);
    assert.equal(await findLink(pod.socket, 'eth0'), undefined);
    await assert.rejects(host.socket.request([deleteLink('veth9')]), { code: 'ENODEV' });
  }));

test('addresses of both families are usable at once, again is no error, and routes need a way to their gateway', () =>
  inTwo(async (host, pod) => {
    await host.socket.request(veth(await bridgeOf(host), pod.fd));
    const index = (await findLink(pod.socket, 'eth0'))?.index ?? 0;
    const four = addAddress(index, Buffer.from([10, 9, 8, 7]), 23);
    const six = addAddress(index, Buffer.from('fd000000000000000000000000000007', 'hex'), 64);
    await pod.socket.request([setUp(index), four, six, four, six]);
    const [link] = JSON.parse(pod.run('ip', '-json', 'addr', 'show', 'eth0'));
    const found = link.addr_info.filter(({ scope }: { scope: string }) => scope === 'global');
    assert.deepEqual(
      found.map((entry: Record<string, unknown>) => [entry.local, entry.prefixlen, entry.broadcast]),
      [
        ['10.9.8.7', 23, '10.9.9.255'],
        ['fd00::7', 64, undefined],
      ],
    );
    assert.ok(found.every((entry: Record<string, unknown>) => entry.tentative !== true));
    await pod.socket.request([
      addDefaultRoute(index, Buffer.from([10, 9, 8, 1])),
      addDefaultRoute(index, Buffer.from('fd000000000000000000000000000001', 'hex')),
    ]);
    assert.match(pod.run('ip', 'route'), /^default via 10\.9\.8\.1 dev eth0/m);
    assert.match(pod.run('ip', '-6', 'route'), /^default via fd00::1 dev eth0/m);
    await assert.rejects(pod.socket.request([addDefaultRoute(index, Buffer.from([192, 0, 2, 1]))]), {
      code: 'ENETUNREACH',
    });
  }));

test('a prefix of nothing has a broadcast address too', () => {
  const body = addAddress(1, Buffer.from([128, 0, 0, 1]), 0).body;
  assert.ok(body.includes(Buffer.from([255, 255, 255, 255])));
});

test('a link that is not there is undefined, a name that cannot be one an error', () =>
  inTwo(async (host) => {
    assert.equal(await findLink(host.socket, 'absent'), undefined);
    await assert.rejects(findLink(host.socket, 'a name that is far too long'), { message: /find interface a name/ });
  }));
