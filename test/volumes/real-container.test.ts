/** Prepared mounts in a real container: what the options promise is what its processes see. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { createCgroups } from '../../runtime/cgroups/cgroups.js';
import type { MountConfig } from '../../runtime/containers/config.js';
import { makeDevice, makeNode } from '../../runtime/linux/files.js';
import { chooseRuntime, discoverRuntimes } from '../../runtime/oci/discover.js';
import type { OciRuntime } from '../../runtime/oci/oci-runtime.js';
import { prepareVolumes } from '../../volumes/prepare.js';
import { HOST, makeTemporary, mountCommand, mountOf, removeTemporary } from './fixture.js';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const cgroup = `/crib-volumes-test-${process.pid}`;
let root = '';
let runtime: OciRuntime;

before(async () => {
  root = makeTemporary();
  runtime = chooseRuntime(await discoverRuntimes({ stateDir: path.join(root, 'state'), log: quiet }));
});

after(async () => {
  const cgroups = await createCgroups();
  await cgroups.kill(cgroup);
  await cgroups.remove(cgroup);
  await removeTemporary(root);
});

/** Runs a shell script in a container with `mounts` and returns its output. */
async function run(name: string, mounts: readonly MountConfig[], script: string): Promise<string> {
  const bundle = path.join(root, `bundle-${name}`);
  fs.mkdirSync(path.join(bundle, 'rootfs'), { recursive: true });
  const host = (source: string) => ({ destination: source, type: 'bind', source, options: ['rbind', 'ro'] });
  const volumes = (await prepareVolumes(mounts, HOST)).map((prepared) => prepared.mount);
  const spec = {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/sh', '-c', script], env: ['PATH=/usr/bin:/bin'], cwd: '/' },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      ...['/usr', '/lib', '/lib64', '/bin'].map(host),
      ...volumes,
    ],
    linux: {
      rootfsPropagation: 'rslave',
      cgroupsPath: `${cgroup}/${name}`,
      namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: 'rwm' }] },
    },
  };
  fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(spec));
  const id = `crib-volumes-${name}-${process.pid}`;
  const target = { id, root: path.join(root, 'runtime'), log: path.join(bundle, 'log') };
  const argv = runtime.createArgv({ ...target, bundle, pidFile: path.join(bundle, 'pid') });
  try {
    return await runtime.run(
      argv.map((word) => (word === 'create' ? 'run' : word)),
      15_000,
    );
  } finally {
    await runtime.delete(target);
  }
}

it('nests volumes and holds read-only ones, with the sub-mounts where asked', async () => {
  const [outer, inner] = ['outer', 'inner'].map((name) => path.join(root, name));
  assert.ok(outer !== undefined && inner !== undefined);
  fs.mkdirSync(path.join(outer, 'sub'), { recursive: true });
  fs.mkdirSync(inner);
  mountCommand('-t', 'tmpfs', 'tmpfs', path.join(outer, 'sub'));
  const output = await run(
    'nested',
    [
      mountOf(inner, '/v/w/x'),
      mountOf(outer, '/v'),
      mountOf(outer, '/ro', { readonly: true }),
      mountOf(outer, '/rro', { readonly: true, recursiveReadOnly: runtime.features.recursiveReadOnly }),
    ],
    'for d in /v /v/w/x /ro /ro/sub /rro /rro/sub; do touch $d/f 2>/dev/null && echo $d; done; true',
  );
  const expected = ['/v', '/v/w/x', '/ro/sub', ...(runtime.features.recursiveReadOnly ? [] : ['/rro/sub'])];
  assert.deepEqual(output.trim().split('\n'), expected);
  assert.equal(fs.existsSync(path.join(inner, 'f')), true);
});

it('shows a container what is mounted on the host later, by host-to-container only', async () => {
  const shared = path.join(root, 'shared');
  fs.mkdirSync(shared);
  mountCommand('--bind', shared, shared);
  mountCommand('--make-shared', shared);
  fs.mkdirSync(path.join(shared, 'late'));
  const script =
    'touch /slave/ready; n=0; while [ ! -e /slave/go ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; ls /slave/late /private/late';
  const running = run(
    'propagation',
    [mountOf(shared, '/slave', { propagation: 'host-to-container' }), mountOf(shared, '/private')],
    script,
  );
  while (!fs.existsSync(path.join(shared, 'ready'))) await new Promise((resolve) => setTimeout(resolve, 20));
  mountCommand('-t', 'tmpfs', 'tmpfs', path.join(shared, 'late'));
  fs.writeFileSync(path.join(shared, 'late', 'seen'), '');
  fs.writeFileSync(path.join(shared, 'go'), '');
  assert.equal(await running, '/private/late:\n\n/slave/late:\nseen\n');
});

it('passes a device node on, with the device cgroup having the last word', async () => {
  const disk = path.join(root, 'disk');
  makeNode(disk, fs.constants.S_IFBLK | 0o600, makeDevice(7, 0));
  const output = await run('device', [mountOf(disk, '/disk'), mountOf('/dev/null', '/null')], 'stat -c %F /disk /null');
  assert.equal(output, 'block special file\ncharacter special file\n');
});
