import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createNetwork, type RemovableNetwork } from '../../../../sandbox/network/index.js';
import type { PodNetwork } from '../../../../sandbox/network/types.js';
import { until } from '../../../support/until.js';
import { ask, command, hostState, namespace, request, SIGNAL, serve, silent, tcpPort, temporary } from '../support.js';

const KILLED = fileURLToPath(new URL('./killed-attach.js', import.meta.url));
const SUBNET4 = '10.201.7.0/24';
const SUBNET6 = 'fd00:201:7::/64';

interface Fixture {
  readonly network: RemovableNetwork;
  readonly root: string;
  again(): Promise<RemovableNetwork>;
}

async function bridge(t: TestContext, name: string, subnets = [SUBNET4, SUBNET6]): Promise<Fixture> {
  const root = await temporary(t);
  const create = () =>
    createNetwork({ mode: 'bridge', root, confDir: root, binDirs: [], bridge: { name, subnets }, log: silent });
  const network = create();
  await network.open();
  assert.deepEqual(network.readiness(), { ready: true, reason: '', message: '' });
  t.after(async () => {
    const last = create();
    await last.open();
    for (const id of last.attached()) await gone(last, id);
    await last.destroy();
  });
  const again = async () => {
    const next = create();
    await next.open();
    return next;
  };
  return { network, root, again };
}

async function openSockets(): Promise<number> {
  const names = await fs.readdir('/proc/self/fd');
  const links = names.map((fd) => fs.readlink(`/proc/self/fd/${fd}`).catch(() => ''));
  return (await Promise.all(links)).filter((link) => link.startsWith('socket:')).length;
}

/** It answers when nothing can be reached any more; it is attached until the kernel has let go. */
async function gone(network: Pick<PodNetwork, 'detach' | 'attached'>, id: string): Promise<void> {
  await network.detach(id, SIGNAL);
  await until(() => !network.attached().includes(id), 'the kernel lets go');
}

describe('the bridge network', () => {
  it('connects two pods with each other and with the host, in both families, and leaves nothing', async (t) => {
    const before = await hostState();
    const { network, root } = await bridge(t, 'cribt0');
    const idle = await hostState();
    const [first, second] = [await namespace(t), await namespace(t)];
    const one = await network.attach(request('one', first), SIGNAL);
    const two = await network.attach(request('two', second, { portMappings: [tcpPort(29_081, 80)] }), SIGNAL);
    assert.deepEqual(one, { ips: ['10.201.7.2', 'fd00:201:7::2'], interfaceName: 'eth0' });
    assert.deepEqual(two.ips, ['10.201.7.3', 'fd00:201:7::3']);

    await serve(t, second, 80, 'two');
    assert.equal(await ask(first, '10.201.7.3', 80), 'two');
    assert.equal(await ask(first, 'fd00:201:7::3', 80), 'two');
    assert.equal(await ask(undefined, '10.201.7.3', 80), 'two');
    assert.equal(await ask(undefined, 'fd00:201:7::3', 80), 'two');

    await gone(network, 'one');
    await gone(network, 'two');
    await gone(network, 'two');
    assert.deepEqual(network.attached(), []);
    assert.deepEqual(await hostState(), idle);
    assert.deepEqual(await fs.readdir(path.join(root, 'network')), []);
    await network.destroy();
    await network.destroy();
    assert.deepEqual(await hostState(), before);
  });

  it('publishes host ports on every address of the host, 127.0.0.1 too, for other pods and for the pod itself', async (t) => {
    const { network } = await bridge(t, 'cribt1', ['10.201.8.0/24', 'fd00:201:8::/64']);
    const [client, server] = [await namespace(t), await namespace(t)];
    await network.attach(request('client', client), SIGNAL);
    await network.attach(request('server', server, { portMappings: [tcpPort(29_080, 8080)] }), SIGNAL);
    await serve(t, server, 8080, 'hello');
    assert.equal(await ask(undefined, '127.0.0.1', 29_080), 'hello');
    assert.equal(await ask(undefined, '10.201.8.1', 29_080), 'hello');
    assert.equal(await ask(undefined, 'fd00:201:8::1', 29_080), 'hello');
    assert.equal(await ask(client, '10.201.8.1', 29_080), 'hello');
    assert.equal(await ask(client, 'fd00:201:8::1', 29_080), 'hello');
    assert.equal(await ask(server, '10.201.8.1', 29_080), 'hello');
    await gone(network, 'server');
    await assert.rejects(ask(undefined, '127.0.0.1', 29_080));
  });

  it('publishes on one address only where host_ip says so', async (t) => {
    const { network } = await bridge(t, 'cribt2', ['10.201.9.0/24']);
    const server = await namespace(t);
    await network.attach(request('server', server, { portMappings: [tcpPort(29_082, 80, '127.0.0.1')] }), SIGNAL);
    await serve(t, server, 80, 'local');
    assert.equal(await ask(undefined, '127.0.0.1', 29_082), 'local');
    await assert.rejects(ask(undefined, '10.201.9.1', 29_082));
  });

  it('keeps pods off what listens on the loopback of the host', async (t) => {
    const { network } = await bridge(t, 'cribt3', ['10.201.10.0/24']);
    const pod = await namespace(t);
    await network.attach(request('pod', pod), SIGNAL);
    const listing = await command('nft', 'list', 'chain', 'inet', 'crib_cribt3', 'guard');
    assert.match(listing, /iifname "cribt3" ip daddr 127\.0\.0\.0\/8 drop/);
    await command('nsenter', `--net=${pod}`, 'ip', 'link', 'set', 'lo', 'down');
    await command('nsenter', `--net=${pod}`, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet');
    await command('nsenter', `--net=${pod}`, 'ip', 'route', 'del', 'local', '127.0.0.0/8', 'table', 'local').catch(
      () => '',
    );
    await command(
      'nsenter',
      `--net=${pod}`,
      'ip',
      'route',
      'add',
      '127.9.9.9',
      'via',
      '10.201.10.1',
      'src',
      '10.201.10.2',
    );
    const { createServer } = await import('node:net');
    const server = createServer((socket) => socket.end('secret')).listen(0, '127.9.9.9');
    t.after(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    await assert.rejects(ask(pod, '127.9.9.9', address.port));
    await command('nft', 'flush', 'chain', 'inet', 'crib_cribt3', 'guard');
    assert.equal(await ask(pod, '127.9.9.9', address.port), 'secret', 'without the guard the test reaches it');
  });

  it('refuses a host port that another pod has, naming both', async (t) => {
    const { network } = await bridge(t, 'cribt4', ['10.201.11.0/24']);
    const [first, second] = [await namespace(t), await namespace(t)];
    await network.attach(request('holder', first, { portMappings: [tcpPort(29_083, 80)] }), SIGNAL);
    await assert.rejects(
      network.attach(request('late', second, { portMappings: [tcpPort(29_083, 81, '127.0.0.1')] }), SIGNAL),
      { code: 'ALREADY_EXISTS', message: /29083\/tcp belongs to pod default\/holder/ },
    );
    assert.deepEqual(network.attached(), ['holder']);
    const udp = { ...tcpPort(29_083, 80), protocol: 'udp' } as const;
    await network.attach(request('late', second, { portMappings: [udp] }), SIGNAL);
  });

  it('runs out of addresses with RESOURCE_EXHAUSTED and goes on when one is released', async (t) => {
    const { network } = await bridge(t, 'cribt5', ['10.201.12.0/29']);
    const given: string[] = [];
    for (let index = 0; index < 5; index++) {
      const { ips } = await network.attach(request(`pod${index}`, await namespace(t)), SIGNAL);
      given.push(...ips);
    }
    assert.deepEqual(
      given,
      [2, 3, 4, 5, 6].map((last) => `10.201.12.${last}`),
    );
    const netns = await namespace(t);
    await assert.rejects(network.attach(request('late', netns), SIGNAL), { code: 'RESOURCE_EXHAUSTED' });
    await gone(network, 'pod2');
    assert.deepEqual((await network.attach(request('late', netns), SIGNAL)).ips, ['10.201.12.4']);
  });

  it('takes everything back when attaching fails half way', async (t) => {
    const { network, root } = await bridge(t, 'cribt6', ['10.201.13.0/24']);
    const netns = await namespace(t);
    await command('ip', '-n', path.basename(netns), 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'other');
    const podLink = /^link crib[0-9a-f]{11}$/;
    await until(async () => !(await hostState()).some((line) => podLink.test(line)), 'pods of other tests are gone');
    const before = await hostState();
    await assert.rejects(network.attach(request('pod', netns), SIGNAL), { message: /create veth pair.*EEXIST/ });
    await assert.rejects(network.attach(request('gone', '/run/netns/cribtest-none'), SIGNAL), { message: /ENOENT/ });
    assert.deepEqual(await hostState(), before);
    assert.deepEqual(await fs.readdir(path.join(root, 'network')), []);
  });

  it('leaves no socket open when the namespace is gone before it is attached', async (t) => {
    const { network } = await bridge(t, 'cribt12');
    const attach = () => network.attach(request('gone', '/nonexistent/net'), SIGNAL);
    const failed = async () => {
      await assert.rejects(attach(), /ENOENT/);
      await gone(network, 'gone');
    };
    await failed();
    const before = await openSockets();
    for (let round = 0; round < 3; round += 1) await failed();
    await until(async () => (await openSockets()) <= before, 'no socket stays');
  });

  it('after a restart knows what it gave, mends bridge and table, and detaches what an earlier process attached', async (t) => {
    const { network, again } = await bridge(t, 'cribt7', ['10.201.14.0/24']);
    const [first, second] = [await namespace(t), await namespace(t)];
    await network.attach(request('one', first, { portMappings: [tcpPort(29_084, 80)] }), SIGNAL);
    await serve(t, first, 80, 'one');
    await command('nft', 'delete', 'table', 'inet', 'crib_cribt7');
    const next = await again();
    assert.deepEqual(next.attached(), ['one']);
    assert.equal(await ask(undefined, '127.0.0.1', 29_084), 'one');
    assert.deepEqual((await next.attach(request('two', second), SIGNAL)).ips, ['10.201.14.3']);
    await command('ip', 'link', 'delete', 'cribt7');
    await command('nft', 'delete', 'table', 'inet', 'crib_cribt7');
    await gone(next, 'one');
    await gone(next, 'two');
    assert.equal((await again()).readiness().ready, true);
  });

  it('is set up when what was in its way at the start has gone, with the host ports of the pods that are left', async (t) => {
    const { network, again } = await bridge(t, 'cribt15', ['10.201.25.0/24']);
    const [first, second] = [await namespace(t), await namespace(t)];
    await network.attach(request('one', first, { portMappings: [tcpPort(29_095, 80)] }), SIGNAL);
    await network.attach(request('two', second, { portMappings: [tcpPort(29_096, 80)] }), SIGNAL);
    await command('ip', 'link', 'delete', 'cribt15');
    await command('nft', 'delete', 'table', 'inet', 'crib_cribt15');
    await command('ip', 'link', 'add', 'cribt15', 'type', 'veth', 'peer', 'cribt15p');
    const next = await again();
    t.after(() => next.close());
    assert.match(next.readiness().message, /cribt15 exists and is no bridge.*; it is tried again$/);
    await gone(next, 'two');
    await command('ip', 'link', 'delete', 'cribt15');
    await until(() => next.readiness().ready, 'the network is ready');
    const table = await command('nft', 'list', 'table', 'inet', 'crib_cribt15');
    assert.match(table, /29095/);
    assert.doesNotMatch(table, /29096/);
  });

  it('detaches when the namespace has gone, and after a change to CNI', async (t) => {
    const { network, root } = await bridge(t, 'cribt8', ['10.201.15.0/24']);
    const netns = await namespace(t);
    await network.attach(request('one', netns, { portMappings: [tcpPort(29_085, 80)] }), SIGNAL);
    await command('ip', 'netns', 'delete', path.basename(netns));
    const cni = createNetwork({ mode: 'cni', root, confDir: root, binDirs: [], log: silent });
    await cni.open();
    assert.deepEqual(cni.attached(), ['one']);
    await gone(cni, 'one');
    await cni.close();
    assert.deepEqual(await fs.readdir(path.join(root, 'network')), []);
    assert.doesNotMatch(await command('nft', 'list', 'table', 'inet', 'crib_cribt8'), /29085/);
  });

  it('attaches and detaches a hundred times, four at a time, and is where it was', async (t) => {
    const { network, root } = await bridge(t, 'cribt9', ['10.201.16.0/24', 'fd00:201:16::/64']);
    const before = await hostState();
    const descriptors = (await fs.readdir('/proc/self/fd')).length;
    const spaces = [await namespace(t), await namespace(t), await namespace(t), await namespace(t)];
    await Promise.all(
      spaces.map(async (netns, lane) => {
        for (let round = 0; round < 25; round++) {
          await network.attach(request(`pod-${lane}-${round}`, netns), SIGNAL);
          await gone(network, `pod-${lane}-${round}`);
        }
      }),
    );
    assert.deepEqual(await hostState(), before);
    assert.deepEqual(await fs.readdir(path.join(root, 'network')), []);
    assert.equal((await fs.readdir('/proc/self/fd')).length, descriptors);
  });

  it('detaches what a process was attaching when it was killed', async (t) => {
    const { root, again } = await bridge(t, 'cribt10', ['10.201.17.0/24']);
    const netns = await namespace(t);
    const before = await hostState();
    for (const delay of [1, 4, 8, 13, 22, 37, 60]) {
      const child = fork(KILLED, [root, 'cribt10', '10.201.17.0/24', netns]);
      await new Promise((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', (code) => reject(new Error(`the process ended with ${code} before it attached`)));
      });
      const exited = new Promise((resolve) => child.once('exit', resolve));
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await exited;
      const next = await again();
      for (const id of next.attached()) await gone(next, id);
      assert.deepEqual(await hostState(), before, `killed after ${delay} ms`);
      assert.deepEqual(await fs.readdir(path.join(root, 'network')), []);
    }
  });

  it('refuses options that cannot be meant', () => {
    const create = (name: string, subnets: string[]) => () =>
      createNetwork({ mode: 'bridge', root: '/', confDir: '/', binDirs: [], bridge: { name, subnets }, log: silent });
    const invalid = { code: 'INVALID_ARGUMENT' };
    assert.throws(create('a-name-that-is-too-long', [SUBNET4]), invalid);
    assert.throws(create('x', []), invalid);
    assert.throws(create('x', [SUBNET4, '10.202.0.0/24']), invalid);
    assert.throws(create('x', ['10.201.7.1/24']), { ...invalid, message: /did you mean 10\.201\.7\.0\/24/ });
    assert.throws(create('x', ['10.201.7.0/31']), invalid);
    assert.throws(create('x', ['nonsense']), invalid);
  });
});
