/** One suite for the volumes of every sandbox: real mounts, in real containers, by the same requests. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ContainerConfig, MountConfig } from '../../runtime/containers/config.js';
import { makeDevice, makeNode } from '../../runtime/linux/files.js';
import type { PodConfig } from '../../sandbox/config.js';
import { createEmptyDir, removePodVolumes } from '../../volumes/local.js';
import { command } from '../support/command.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { startTestNode, type TestNode } from '../support/node.js';
import { runscMissing } from '../support/runsc.js';
import { mountCommand, mountOf, removeTemporary } from '../volumes/fixture.js';

const never = () => new AbortController().signal;
const POLICY = { overlay: ['docker-volume'], tmp: 'tmpfs', annotations: ['emptydir'] } as const;
const noGvisor = await runscMissing();
let node: TestNode;
/** Sources of mounts, and volumes of pods. */
let stage = '';
let serial = 0;

const pods = () => node.node().pods;
const kubelet = () => path.join(stage, 'kubelet/pods');
const directory = (name: string) => {
  const made = path.join(stage, name);
  fs.mkdirSync(made, { recursive: true });
  return made;
};

before(async () => {
  const prepare = async (at: string) => {
    stage = path.join(at, 'stage');
  };
  node = await startTestNode('10.203.66.0/24', 'cribtestvcf0', prepare, () => ({
    dockerRoots: [path.join(stage, 'docker')],
    volumePolicies: { host: POLICY, ...(noGvisor === false ? { gvisor: POLICY } : {}) },
  }));
  fs.mkdirSync(stage, { mode: 0o755 });
});
after(async () => {
  await removeTemporary(stage);
  await node.stop();
});

for (const [handler, guest] of [
  ['host', false],
  ['gvisor', true],
] as const) {
  describe(handler, { skip: guest ? noGvisor : false }, () => {
    let podId = '';
    let uid = '';

    afterEach(async () => {
      if (podId !== '') await pods().removePod(podId);
      podId = '';
      await removePodVolumes(kubelet(), uid);
    });

    /** Of a pod that `make` has made volumes for, under its uid. */
    async function pod<T>(make: (uid: string) => Promise<T>, change: Partial<PodConfig> = {}): Promise<T> {
      serial += 1;
      const config = { ...podConfig(`${handler}${serial}`), ...change };
      uid = config.metadata.uid;
      const made = await make(uid);
      podId = await pods().runPod(config, handler, never());
      return made;
    }

    async function start(mounts: readonly MountConfig[], change: Partial<ContainerConfig['security']> = {}) {
      serial += 1;
      const base = containerConfig(`c${serial}`, node.image);
      const security = { ...base.security, ...change };
      const config: ContainerConfig = { ...base, command: ['sleep', '100000'], mounts, security };
      const id = await pods().createContainer(podId, config, undefined);
      await pods().startContainer(id);
      return id;
    }

    async function run(id: string, script: string): Promise<string> {
      const { stdout, stderr } = await pods().execSync(id, ['sh', '-c', script], 30_000, never());
      return `${stdout}${stderr}`.trim();
    }

    it('what lies on tmpfs, hugetlbfs, overlayfs, a loop device and a bind is the same inside', async () => {
      const sources = await realMounts(`${handler}-mounts`);
      await pod(async () => undefined);
      const id = await start(sources.map((source) => mountOf(source, `/v/${path.basename(source)}`)));
      const names = sources.map((source) => path.basename(source)).join(' ');
      assert.equal(
        await run(id, `cd /v; for d in ${names}; do mkdir $d/made && ls $d; done`),
        'made\n'.repeat(5).trim(),
      );
      for (const source of sources) assert.equal(fs.existsSync(path.join(source, 'made')), true, source);
    });

    it('parents are mounted before children, in whatever order they are asked for', async () => {
      const [outer, inner, deep] = ['outer', 'inner', 'deep'].map((name) => directory(`${handler}-${name}`));
      for (const source of [outer, inner, deep]) fs.writeFileSync(path.join(source ?? '', 'name'), source ?? '');
      await pod(async () => undefined);
      const asked = [mountOf(deep ?? '', '/v/a/b'), mountOf(outer ?? '', '/v'), mountOf(inner ?? '', '/v/a')];
      const id = await start(asked);
      assert.equal(
        await run(id, 'for d in /v /v/a /v/a/b; do cat $d/name; echo; done'),
        [outer, inner, deep].join('\n'),
      );
    });

    it('missing mount points are made as the source is, also on a read-only root', async () => {
      const source = directory(`${handler}-points`);
      const file = path.join(source, 'file');
      fs.writeFileSync(file, 'text');
      await pod(async () => undefined);
      const id = await start([mountOf(source, '/new/directory'), mountOf(file, '/new/file')], { readonlyRootfs: true });
      const script = 'stat -c %F /new/directory /new/file; cat /new/file; touch /x 2>/dev/null || echo " read-only"';
      assert.equal(await run(id, script), 'directory\nregular file\ntext read-only');
    });

    it('a mount in a read-only volume has its mount point, and the volume stays read-only', async () => {
      const outer = await pod((uid) => createEmptyDir(kubelet(), uid, 'outer', { medium: '' }));
      const mounts = [mountOf(outer, '/v', { readonly: true }), mountOf(directory(`${handler}-sub`), '/v/sub')];
      const id = await start(mounts);
      const script = 'touch /v/sub/f && echo writable; touch /v/f 2>/dev/null || echo read-only';
      assert.equal(await run(id, script), 'writable\nread-only');
    });

    it('a source is what its symlinks and dots lead to, and read-only holds', async () => {
      const real = directory(`${handler}-real/deep`);
      fs.writeFileSync(path.join(real, 'file'), 'found');
      fs.symlinkSync(path.dirname(real), path.join(stage, `${handler}-link`));
      await pod(async () => undefined);
      const source = `${stage}/${handler}-link/./deep//`;
      const id = await start([mountOf(source, '/v', { readonly: true }), mountOf(source, '/w')]);
      const script = 'cat /v/file; touch /v/x 2>/dev/null || echo " read-only"; touch /w/x && ls /v';
      assert.equal(await run(id, script), 'found read-only\nfile\nx');
    });

    it('what is written to an overlay never reaches the source, and goes with the container', async () => {
      const data = directory(`docker/volumes/${handler}/_data`);
      fs.writeFileSync(path.join(data, 'file'), 'of the host');
      await pod(async () => undefined);
      const first = await start([mountOf(data, '/v')]);
      assert.equal(await run(first, 'echo changed >/v/file; touch /v/new; cat /v/file; ls /v'), 'changed\nfile\nnew');
      const [{ kind, overlay } = { kind: 'none', overlay: false }] = pods().containerStatus(first).volumes;
      assert.deepEqual([kind, overlay], ['docker-volume', true]);
      await pods().removeContainer(first);
      assert.equal(await run(await start([mountOf(data, '/v')]), 'cat /v/file; ls /v'), 'of the hostfile');
      assert.deepEqual(fs.readdirSync(data), ['file']);
    });

    it('/tmp is a tmpfs where nothing is mounted there, and is told', async () => {
      await pod(async () => undefined);
      const own = await start([]);
      assert.equal(await run(own, 'touch /tmp/x && grep -c " /tmp tmpfs " /proc/mounts'), '1');
      assert.deepEqual(
        pods()
          .containerStatus(own)
          .volumes.map(({ kind }) => kind),
        ['tmp'],
      );
      const source = directory(`${handler}-tmp`);
      const mounted = await start([mountOf(source, '/tmp')]);
      await run(mounted, 'touch /tmp/seen');
      assert.deepEqual(fs.readdirSync(source), ['seen']);
    });

    it('containers of a pod share its volumes, each with its own access', async () => {
      const make = (medium: '' | 'Memory') => (uid: string) =>
        createEmptyDir(kubelet(), uid, `v${medium}`, { medium, fsGroup: 4321, sizeLimitBytes: 4 << 20 });
      const [disk, memory] = await pod(async (uid) => [await make('')(uid), await make('Memory')(uid)]);
      const mounts = (readonly: boolean) => [
        mountOf(disk ?? '', '/disk', { readonly }),
        mountOf(memory ?? '', '/memory', { readonly }),
      ];
      const writer = await start(mounts(false));
      const reader = await start(mounts(true));
      await run(writer, 'echo one >/disk/f; echo two >/memory/f');
      const script = 'cat /disk/f /memory/f; stat -c %g /disk /memory; touch /disk/x /memory/x 2>/dev/null || echo ro';
      assert.equal(await run(reader, script), 'one\ntwo\n4321\n4321\nro');
    });

    it('device nodes are passed on by a sandbox that shares the kernel, and refused by one that does not', async () => {
      const disk = path.join(stage, `${handler}-disk`);
      makeNode(disk, fs.constants.S_IFBLK | 0o600, makeDevice(7, 0));
      await pod(async () => undefined);
      for (const [source, type] of [
        [disk, 'block special file'],
        ['/dev/null', 'character special file'],
      ] as const) {
        const asked = start([mountOf(source, '/node')]);
        if (guest)
          await assert.rejects(asked, { code: 'FAILED_PRECONDITION', message: /config\.mounts\[0\]: .* is refused: / });
        else assert.equal(await run(await asked, 'stat -c %F /node'), type);
      }
    });

    it('mounts are passed on to the host where the sandbox can, else that is refused', async () => {
      const shared = directory(`${handler}-shared`);
      mountCommand('--bind', shared, shared);
      mountCommand('--make-shared', shared);
      fs.mkdirSync(path.join(shared, 'late'));
      await pod(async () => undefined, guest ? {} : { security: { ...podConfig().security, privileged: true } });
      const bidirectional = mountOf(shared, '/v', { propagation: 'bidirectional' });
      if (guest) {
        await assert.rejects(
          start([bidirectional]),
          /config\.mounts\[0\]\.propagation: this sandbox cannot pass mounts on/,
        );
        return;
      }
      const slave = mountOf(shared, '/slave', { propagation: 'host-to-container' });
      const id = await start([bidirectional, slave], { privileged: true });
      mountCommand('-t', 'tmpfs', 'tmpfs', path.join(shared, 'late'));
      fs.writeFileSync(path.join(shared, 'late/seen'), '');
      assert.equal(await run(id, 'ls /v/late /slave/late'), '/slave/late:\nseen\n\n/v/late:\nseen');
      await run(id, 'mkdir /v/made && mount -t tmpfs tmpfs /v/made && touch /v/made/by-container');
      assert.equal(fs.existsSync(path.join(shared, 'made/by-container')), true);
    });

    it('what the mount of a source forbids is forbidden inside: to execute, devices, to write', async () => {
      const [free, strict, readonly] = ['free', 'strict', 'readonly'].map((name) =>
        directory(`${handler}-flags/${name}`),
      );
      mountCommand('-t', 'tmpfs', 'tmpfs', free ?? '');
      fs.copyFileSync('/bin/busybox', path.join(free ?? '', 'busybox'));
      fs.chmodSync(path.join(free ?? '', 'busybox'), 0o755);
      makeNode(path.join(free ?? '', 'null'), fs.constants.S_IFCHR | 0o666, makeDevice(1, 3));
      for (const [flags, place] of [
        ['noexec,nodev,nosuid', strict],
        ['ro', readonly],
      ] as const) {
        mountCommand('--bind', free ?? '', place ?? '');
        mountCommand('-o', `remount,bind,${flags}`, place ?? '');
      }
      await pod(async () => undefined);
      const id = await start([
        mountOf(free ?? '', '/free'),
        mountOf(strict ?? '', '/strict'),
        mountOf(readonly ?? '', '/ro'),
      ]);
      const tried = (script: string) => run(id, `{ ${script}; } 2>/dev/null && echo yes || echo no`);
      assert.deepEqual(await Promise.all(['/free', '/strict', '/ro'].map((at) => tried(`${at}/busybox true`))), [
        'yes',
        'no',
        'yes',
      ]);
      assert.deepEqual(await Promise.all(['/free', '/strict', '/ro'].map((at) => tried(`touch ${at}/new`))), [
        'yes',
        'yes',
        'no',
      ]);
      assert.deepEqual([await tried('echo >/free/null'), await tried('echo >/strict/null')], ['yes', 'no']);
      if (guest) return; // it knows no set-user-ID programs
      assert.match(await run(id, 'grep " /strict " /proc/mounts'), /nosuid,nodev,noexec/);
    });

    it('a pod chooses a route where the configuration lets it, and only one that the sandbox has', async () => {
      const route = guest ? 'host-shared' : 'bind';
      const annotations = { 'volume.route.crib.dev/cache': route };
      const volume = await pod((uid) => createEmptyDir(kubelet(), uid, 'cache', { medium: '' }), { annotations });
      const id = await start([mountOf(volume, '/v')]);
      assert.equal(pods().containerStatus(id).volumes[0]?.route, route);
      const wrong = {
        ...podConfig('wrong'),
        annotations: { 'kind.route.crib.dev/emptydir': guest ? 'bind' : 'guest-local' },
      };
      await assert.rejects(pods().runPod(wrong, handler, never()), {
        code: 'FAILED_PRECONDITION',
        message: /config\.annotations\["kind\.route\.crib\.dev\/emptydir"\]: this sandbox has no route/,
      });
      assert.deepEqual(
        pods()
          .listPods({})
          .map((one) => one.id),
        [podId],
      );
    });
  });
}

/** One directory on each; `removeTemporary` unmounts them. */
async function realMounts(name: string): Promise<string[]> {
  const [tmpfs, huge, merged, loop, bound] = ['tmpfs', 'huge', 'merged', 'loop', 'bound'].map((kind) =>
    directory(`${name}/${kind}`),
  );
  const [layers, lower, plain] = ['layers', 'lower', 'plain'].map((kind) => directory(`${name}-${kind}`));
  mountCommand('-t', 'tmpfs', 'tmpfs', tmpfs ?? '');
  mountCommand('-t', 'hugetlbfs', 'hugetlbfs', huge ?? '');
  mountCommand('-t', 'tmpfs', 'tmpfs', layers ?? '');
  for (const layer of ['upper', 'work']) fs.mkdirSync(path.join(layers ?? '', layer));
  const options = `lowerdir=${lower},upperdir=${layers}/upper,workdir=${layers}/work`;
  mountCommand('-t', 'overlay', '-o', options, 'overlay', merged ?? '');
  const image = path.join(stage, `${name}-image`);
  fs.writeFileSync(image, '');
  fs.truncateSync(image, 16 << 20);
  await command('mkfs.ext4', ['-q', image]);
  mountCommand('-o', 'loop', image, loop ?? '');
  fs.rmdirSync(path.join(loop ?? '', 'lost+found'));
  mountCommand('--bind', plain ?? '', bound ?? '');
  return [tmpfs, huge, merged, loop, bound].map((mounted) => mounted ?? '');
}
