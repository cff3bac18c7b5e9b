import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createNetwork, type RemovableNetwork } from '../../../../sandbox/network/index.js';
import {
  ask,
  BIN_DIRS,
  command,
  hostState,
  namespace,
  request,
  SIGNAL,
  serve,
  silent,
  tcpPort,
  temporary,
} from '../support.js';

interface Fixture {
  readonly network: RemovableNetwork;
  readonly root: string;
  readonly confDir: string;
  /** host-local's directory. */
  readonly ipam: string;
  readonly binDirs: string[];
  again(): Promise<RemovableNetwork>;
}

const KILLED = fileURLToPath(new URL('./killed-attach.js', import.meta.url));

async function cni(
  t: TestContext,
  name: string,
  net: number,
  last?: { type: string; directory: string },
): Promise<Fixture> {
  const directory = await temporary(t);
  const [confDir, root, ipam] = [
    path.join(directory, 'net.d'),
    path.join(directory, 'root'),
    path.join(directory, 'ipam'),
  ];
  await fs.mkdir(confDir);
  const bridge = {
    type: 'bridge',
    bridge: name,
    isGateway: true,
    ipMasq: true,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      dataDir: ipam,
      ranges: [[{ subnet: `10.201.${net}.0/24` }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  };
  const portmap = { type: 'portmap', capabilities: { portMappings: true } };
  await writeConfig(confDir, '10-test.conflist', {
    cniVersion: '1.0.0',
    name,
    plugins: [bridge, portmap, ...(last ? [{ type: last.type }] : [])],
  });
  const all = [...BIN_DIRS, ...(last ? [last.directory] : [])];
  const binDirs = [...all];
  const create = () => createNetwork({ mode: 'cni', root, confDir, binDirs, log: silent });
  const again = async () => {
    const next = create();
    await next.open();
    t.after(() => next.close());
    return next;
  };
  const network = await again();
  assert.deepEqual(network.readiness(), { ready: true, reason: '', message: '' });
  t.after(async () => {
    binDirs.splice(0, binDirs.length, ...all);
    const final = await again();
    for (const id of final.attached()) await final.detach(id, SIGNAL);
    await command('ip', 'link', 'delete', name).catch(() => undefined);
  });
  return { network, root, confDir, ipam: path.join(ipam, name), binDirs, again };
}

async function writeConfig(directory: string, file: string, value: object): Promise<void> {
  await fs.writeFile(path.join(directory, file), JSON.stringify(value));
}

async function reservations(directory: string): Promise<string[]> {
  return (await fs.readdir(directory)).filter((name) => /^\d+\./.test(name));
}

/** A plugin that appends what it is told to a file, and fails as `failing` says. */
async function recorder(t: TestContext, failing = ''): Promise<{ directory: string; calls(): Promise<string[]> }> {
  const directory = await temporary(t);
  const log = path.join(directory, 'log');
  await fs.writeFile(log, '');
  const script = `#!/bin/sh
input=$(cat)
printf '%s|%s|%s|%s\\n' "$CNI_COMMAND" "$CNI_ARGS" "$CNI_NETNS" "$input" >> ${log}
${failing}
[ "$CNI_COMMAND" = ADD ] && printf '%s' '{"cniVersion":"1.0.0","ips":[{"address":"10.201.99.2/24"}]}'
exit 0
`;
  await fs.writeFile(path.join(directory, 'recorder'), script, { mode: 0o755 });
  return { directory, calls: async () => (await fs.readFile(log, 'utf8')).split('\n').filter((line) => line !== '') };
}

async function recorded(t: TestContext, failing = '') {
  const plugin = await recorder(t, failing);
  const directory = await temporary(t);
  const conf = {
    cniVersion: '1.0.0',
    name: 'rec',
    type: 'recorder',
    capabilities: { portMappings: true, bandwidth: true },
  };
  await writeConfig(directory, '10-rec.conf', conf);
  const root = path.join(directory, 'root');
  const network = createNetwork({ mode: 'cni', root, confDir: directory, binDirs: [plugin.directory], log: silent });
  await network.open();
  t.after(() => network.close());
  return { network, plugin, directory, conf, root };
}

describe('the CNI network', () => {
  it('connects pods, publishes host ports, and leaves nothing', async (t) => {
    const { network, ipam, root } = await cni(t, 'cribc0', 50);
    const [first, second] = [await namespace(t), await namespace(t)];
    const one = await network.attach(request('one', first), SIGNAL);
    assert.deepEqual(one, { ips: ['10.201.50.2'], interfaceName: 'eth0' });
    await network.detach('one', SIGNAL); // Now the bridge and portmap's chains are there.
    const published = await network.attach(request('warm', first, { portMappings: [tcpPort(29_190, 1)] }), SIGNAL);
    assert.equal(published.ips.length, 1);
    await network.detach('warm', SIGNAL);
    const before = await hostState();

    await network.attach(request('one', first), SIGNAL);
    const two = await network.attach(request('two', second, { portMappings: [tcpPort(29_180, 80)] }), SIGNAL);
    await serve(t, second, 80, 'two');
    assert.equal(await ask(first, two.ips[0] ?? '', 80), 'two');
    assert.equal(await ask(undefined, '127.0.0.1', 29_180), 'two');
    assert.equal(await ask(undefined, '10.201.50.1', 29_180), 'two');
    for (const id of ['one', 'two', 'two']) await network.detach(id, SIGNAL);
    assert.deepEqual(await hostState(), before);
    assert.deepEqual(await reservations(ipam), []);
    assert.deepEqual(await fs.readdir(path.join(root, 'network')), []);
  });

  it('takes a pod back with the configuration that set it up, also when it has changed and the namespace is gone', async (t) => {
    const { network, ipam, confDir, again } = await cni(t, 'cribc1', 51);
    const netns = await namespace(t);
    await network.attach(request('one', netns, { portMappings: [tcpPort(29_181, 80)] }), SIGNAL);
    await command('ip', 'netns', 'delete', path.basename(netns));
    await writeConfig(confDir, '10-test.conflist', { cniVersion: '1.0.0', name: 'other', plugins: [{ type: 'ptp' }] });
    const next = await again();
    assert.deepEqual(next.attached(), ['one']);
    await next.detach('one', SIGNAL);
    assert.deepEqual(await reservations(ipam), []);
    assert.doesNotMatch(await command('nft', 'list', 'ruleset'), /29181|10\.201\.51\./);
  });

  it('takes a pod back without the plugins that set it up', async (t) => {
    const { network, ipam, binDirs } = await cni(t, 'cribc2', 52);
    const before = await hostState();
    await network.attach(request('one', await namespace(t)), SIGNAL);
    binDirs.splice(0, binDirs.length, '/nonexistent');
    assert.match(network.readiness().message, /needs the plugins bridge, host-local, portmap/);
    await network.detach('one', SIGNAL);
    assert.deepEqual(await reservations(ipam), []);
    const after = (await hostState()).filter((line) => line.startsWith('link ') && line !== 'link cribc2');
    assert.deepEqual(
      after,
      before.filter((line) => line.startsWith('link ')),
    );
    assert.doesNotMatch(await command('nft', 'list', 'ruleset'), /10\.201\.52\./);
    assert.deepEqual(network.attached(), []);
  });

  it('undoes the chain when a later plugin fails, and says what the plugin said', async (t) => {
    const failing =
      'if [ "$CNI_COMMAND" = ADD ]; then echo \'{"code":11,"msg":"no luck","details":"today"}\'; exit 1; fi';
    const plugin = await recorder(t, failing);
    const { network, ipam, root } = await cni(t, 'cribc3', 53, { type: 'recorder', directory: plugin.directory });
    const error = await network.attach(request('one', await namespace(t)), SIGNAL).catch((e: unknown) => e);
    assert.ok(error instanceof Error);
    assert.match(error.message, /CNI ADD of network .* by plugin recorder: no luck: today \(code 11\)/);
    assert.equal('code' in error && error.code, 'UNAVAILABLE');
    assert.deepEqual(await reservations(ipam), []);
    assert.deepEqual(await fs.readdir(path.join(root, 'network')), []);
  });

  it('hands plugins their arguments and only the capabilities that they declare', async (t) => {
    const { network, plugin } = await recorded(t);
    const annotations = { 'kubernetes.io/ingress-bandwidth': '10M' };
    const netns = await namespace(t);
    await network.attach(request('one', netns, { annotations, portMappings: [tcpPort(80, 8080)] }), SIGNAL);
    await network.detach('one', SIGNAL);
    const [add, del] = (await plugin.calls()).map((line) => line.split('|'));
    const args =
      'IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=one;K8S_POD_INFRA_CONTAINER_ID=one;K8S_POD_UID=uid-one';
    assert.deepEqual(add?.slice(0, 3), ['ADD', args, netns]);
    assert.deepEqual(del?.slice(0, 3), ['DEL', args, netns]);
    const runtimeConfig = {
      portMappings: [{ hostPort: 80, containerPort: 8080, protocol: 'tcp', hostIP: '' }],
      bandwidth: { ingressRate: 10_000_000, ingressBurst: 4_294_967_295 },
    };
    assert.deepEqual(JSON.parse(add?.[3] ?? '').runtimeConfig, runtimeConfig);
    assert.deepEqual(JSON.parse(del?.[3] ?? '').runtimeConfig, runtimeConfig);
    assert.equal(JSON.parse(del?.[3] ?? '').prevResult.ips[0].address, '10.201.99.2/24');
  });

  it('refuses names that would be further CNI_ARGS, and bandwidths that are none', async (t) => {
    const { network } = await recorded(t);
    const metadata = { name: 'a;K8S_POD_NAME=b', namespace: 'default', uid: 'u', attempt: 0 };
    const invalid = { code: 'INVALID_ARGUMENT' };
    await assert.rejects(network.attach(request('one', '/x', { metadata }), SIGNAL), invalid);
    const annotations = { 'kubernetes.io/egress-bandwidth': '1' };
    await assert.rejects(network.attach(request('one', '/x', { annotations }), SIGNAL), invalid);
    assert.deepEqual(network.attached(), []);
  });

  it('tries DEL again, keeps the record while it fails, and succeeds later', async (t) => {
    const gate = path.join(await temporary(t), 'open');
    const { network, plugin } = await recorded(
      t,
      `[ "$CNI_COMMAND" = DEL ] && [ ! -e ${gate} ] && { echo oops >&2; exit 1; }`,
    );
    await network.attach(request('one', await namespace(t)), SIGNAL);
    await assert.rejects(network.detach('one', SIGNAL), { code: 'UNAVAILABLE', message: /pod one.*oops/ });
    assert.equal((await plugin.calls()).filter((line) => line.startsWith('DEL')).length, 3);
    assert.deepEqual(network.attached(), ['one']);
    await fs.writeFile(gate, '');
    await network.detach('one', SIGNAL);
    assert.deepEqual(network.attached(), []);
  });

  it('kills a plugin that hangs, with its children, when the caller gives up', async (t) => {
    const pidFile = path.join(await temporary(t), 'pid');
    const hang = `[ "$CNI_COMMAND" = ADD ] && { sleep 300 & echo $! > ${pidFile}; wait; }`;
    const { network } = await recorded(t, hang);
    await assert.rejects(network.attach(request('one', await namespace(t)), AbortSignal.timeout(400)), {
      code: 'CANCELLED',
    });
    const pid = (await fs.readFile(pidFile, 'utf8')).trim();
    const status = await fs.readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tZ');
    assert.match(status, /State:\s+[ZX]/);
    assert.deepEqual(network.attached(), []);
  });

  it('bounds what a plugin may say', async (t) => {
    const { network } = await recorded(t, '[ "$CNI_COMMAND" = ADD ] && { head -c 3000000 /dev/zero; exit 0; }');
    await assert.rejects(network.attach(request('one', await namespace(t)), SIGNAL), { code: 'RESOURCE_EXHAUSTED' });
    assert.deepEqual(network.attached(), []);
  });

  it('is not ready until there is a valid configuration, takes the first, and sees edits in place', async (t) => {
    const directory = await temporary(t);
    const confDir = path.join(directory, 'net.d');
    const network = createNetwork({ mode: 'cni', root: directory, confDir, binDirs: BIN_DIRS, log: silent });
    await network.open();
    t.after(() => network.close());
    const missing = network.readiness();
    assert.equal(missing.ready, false);
    assert.equal(missing.reason, 'NetworkPluginNotReady');
    assert.match(missing.message, /cni plugin not initialized: no network config found in .*net\.d/);
    await assert.rejects(network.attach(request('one', '/x'), SIGNAL), { code: 'UNAVAILABLE' });
    await fs.mkdir(confDir);
    await fs.writeFile(path.join(confDir, '00-bad.conflist'), '{');
    assert.match(network.readiness().message, /00-bad\.conflist: not a JSON object/);
    const file = path.join(confDir, '10-good.conf');
    await fs.writeFile(file, JSON.stringify({ cniVersion: '1.0.0', name: 'good', type: 'bridge' }));
    assert.equal(network.readiness().ready, true);
    await fs.writeFile(file, JSON.stringify({ cniVersion: '1.0.0', name: 'good', type: 'nosuch' }));
    const deadline = Date.now() + 2000;
    while (network.readiness().ready && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(network.readiness().message, /needs the plugins nosuch/);
    await fs.rm(confDir, { recursive: true });
    assert.match(network.readiness().message, /no network config found/);
  });

  it('detaches what a process was attaching when it was killed', async (t) => {
    const { root, confDir, ipam, again } = await cni(t, 'cribc4', 54);
    const netns = await namespace(t);
    const before = (await hostState()).filter((line) => line.startsWith('link '));
    for (const delay of [3, 15, 40, 80]) {
      const child = fork(KILLED, [root, confDir, netns]);
      await new Promise((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', (code) => reject(new Error(`the process ended with ${code} before it attached`)));
      });
      await new Promise((resolve) => setTimeout(resolve, delay));
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
      await new Promise((resolve) => setTimeout(resolve, 300)); // An orphaned plugin finishes by itself.
      const next = await again();
      for (const id of next.attached()) await next.detach(id, SIGNAL);
      const links = (await hostState()).filter((line) => line.startsWith('link ') && line !== 'link cribc4');
      assert.deepEqual(links, before, `killed after ${delay} ms`);
      assert.deepEqual(await reservations(ipam).catch(() => []), []);
      assert.deepEqual(await fs.readdir(path.join(root, 'network')), []);
    }
  });
});
