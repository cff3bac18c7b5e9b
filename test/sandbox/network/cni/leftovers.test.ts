import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { releaseHostLocal, removeHostLinks, removeMasquerade } from '../../../../sandbox/network/cni/leftovers.js';
import { command, SIGNAL, temporary } from '../support.js';
import { cniRecord } from './cni-record.js';

test("of host-local's reservations only the pod's own go; lock, cursor, other pods and symlinks stay", async (t) => {
  const dataDir = await temporary(t);
  const net = path.join(dataDir, 'net');
  await fs.mkdir(net);
  const write = (name: string, text: string) => fs.writeFile(path.join(net, name), text);
  await write('10.0.0.2', 'pod1\r\neth0');
  await write('fd00::2', 'pod1\neth0');
  await write('10.0.0.3', 'pod2\r\neth0');
  await write('10.0.0.4', 'pod10\neth0');
  await write('last_reserved_ip.0', 'pod1');
  await write('lock', 'pod1');
  await write('10.0.0.5', `pod1\n${'x'.repeat(5000)}`);
  await fs.symlink('10.0.0.3', path.join(net, '10.0.0.6'));
  await fs.mkdir(path.join(net, '10.0.0.7'));
  await releaseHostLocal(cniRecord(), { type: 'bridge', ipam: { type: 'host-local', dataDir } });
  const left = ['10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6', '10.0.0.7', 'last_reserved_ip.0', 'lock'];
  assert.deepEqual((await fs.readdir(net)).sort(), left);
  for (const ipam of [undefined, { type: 'dhcp', dataDir }, { type: 'host-local', dataDir: `${dataDir}/none` }]) {
    await releaseHostLocal(cniRecord({ podId: 'pod2' }), { type: 'bridge', ipam });
  }
  assert.deepEqual((await fs.readdir(net)).sort(), left);
});

test("the host's ends of veth pairs go, what is no veth or in the pod stays", async (t) => {
  await command('ip', 'link', 'add', 'cribtstlo0', 'type', 'veth', 'peer', 'name', 'cribtstlo1');
  await command('ip', 'link', 'add', 'cribtstlobr', 'type', 'bridge');
  await command('ip', 'link', 'add', 'cribtstlo2', 'type', 'veth', 'peer', 'name', 'cribtstlo3');
  t.after(() => command('ip', 'link', 'delete', 'cribtstlobr'));
  t.after(() => command('ip', 'link', 'delete', 'cribtstlo2'));
  const interfaces = [
    { name: 'cribtstlobr' },
    { name: 'cribtstlo0' },
    { name: 'cribtstlo2', sandbox: '/run/netns/x' },
    { name: 'cribtstnone' },
  ];
  await removeHostLinks(cniRecord({ result: { interfaces } }));
  await removeHostLinks(cniRecord({ result: { interfaces } }));
  await removeHostLinks(cniRecord());
  const links = (await fs.readdir('/sys/class/net')).filter((name) => name.startsWith('cribtstlo')).sort();
  assert.deepEqual(links, ['cribtstlo2', 'cribtstlo3', 'cribtstlobr']);
});

test('the masquerade chain of the reference plugins goes, those of others stay, again is no error', async (t) => {
  const chainOf = (podId: string) =>
    `CNI-${crypto.createHash('sha512').update(`net${podId}`).digest('hex').slice(0, 24)}`;
  const nat = (...args: string[]) => command('iptables', '-w', '5', '-t', 'nat', ...args);
  for (const podId of ['pod1', 'pod2']) {
    const comment = ['-m', 'comment', '--comment', `name: "net" id: "${podId}"`];
    await nat('-N', chainOf(podId));
    await nat('-A', chainOf(podId), '-j', 'MASQUERADE');
    await nat('-A', 'POSTROUTING', '-s', '10.201.11.2/32', '-j', chainOf(podId), ...comment);
  }
  const result = { ips: [{ address: '10.201.11.2/32' }] };
  t.after(() => removeMasquerade(cniRecord({ podId: 'pod2', result }), { type: 'bridge', ipMasq: true }, SIGNAL));
  await removeMasquerade(cniRecord({ result }), { type: 'bridge' }, SIGNAL);
  assert.match(await nat('-S'), new RegExp(chainOf('pod1')), 'a plugin without ipMasq made none');
  for (let times = 0; times < 2; times += 1) {
    await removeMasquerade(cniRecord({ result }), { type: 'bridge', ipMasq: true }, SIGNAL);
  }
  const rules = await nat('-S');
  assert.doesNotMatch(rules, new RegExp(chainOf('pod1')));
  assert.match(rules, new RegExp(`POSTROUTING.*${chainOf('pod2')}`));
});
