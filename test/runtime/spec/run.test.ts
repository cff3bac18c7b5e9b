/** The specs that crib makes, run by the real OCI runtime: what the process inside sees is what was asked for. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildSpec } from '../../../runtime/spec/build.js';
import { discoverHostFacts } from '../../../runtime/spec/host.js';
import type { HostFacts, SpecInput } from '../../../runtime/spec/types.js';
import { resolveUser } from '../../../runtime/spec/users.js';
import { staticBusybox } from '../../support/images-debian.js';
import { inputWith } from './inputs.js';

const CGROUP = `/crib-spec-test-${process.pid}`;
const NEW = { network: 'new', ipc: 'new', uts: 'new', pid: 'new' };

let directory = '';
let rootfs = '';
let host: HostFacts;
let serial = 0;

before(async () => {
  host = await discoverHostFacts();
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-spec-'));
  rootfs = path.join(directory, 'rootfs');
  for (const name of ['bin', 'etc', 'proc', 'dev', 'sys', 'tmp', 'secret', 'data']) {
    await fs.mkdir(path.join(rootfs, name), { recursive: true });
  }
  await fs.copyFile(await staticBusybox(), path.join(rootfs, 'bin/busybox'));
  await fs.chmod(path.join(rootfs, 'bin/busybox'), 0o755);
  await fs.symlink('busybox', path.join(rootfs, 'bin/sh'));
  await fs.writeFile(
    path.join(rootfs, 'etc/passwd'),
    'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n',
  );
  await fs.writeFile(path.join(rootfs, 'etc/group'), 'root:x:0:\napp:x:1000:\nextra:x:50000:app\n');
  await fs.writeFile(path.join(rootfs, 'secret/file'), 'hidden');
});

after(async () => {
  await fs.rm(directory, { recursive: true, force: true });
  await removeCgroups();
});

/** The parent that the runtime made for us, in every hierarchy. Only empty directories go. */
async function removeCgroups(): Promise<void> {
  const own = (await fs.readFile('/proc/self/cgroup', 'utf8')).split('\n').map((line) => line.split(':')[2] ?? '');
  const hierarchies = ['', ...(await fs.readdir('/sys/fs/cgroup').catch(() => []))];
  for (const hierarchy of hierarchies) {
    for (const parent of ['', ...own]) {
      await fs.rmdir(path.join('/sys/fs/cgroup', hierarchy, parent, CGROUP)).catch(() => undefined);
    }
  }
}

/** Runs a shell script in a container and returns what it printed. */
async function run(script: string, from: SpecInput): Promise<string> {
  serial += 1;
  const id = `crib-spec-test-${process.pid}-${serial}`;
  const bundle = path.join(directory, id);
  await fs.mkdir(bundle);
  const user = await resolveUser(rootfs, from.config.security, from.image.user);
  const config = { ...from.config, command: ['/bin/sh', '-c', script] };
  const spec = buildSpec({ ...from, config, id, rootfs, user, host, namespaces: NEW, cgroupsPath: `${CGROUP}/${id}` });
  await fs.writeFile(path.join(bundle, 'config.json'), JSON.stringify(spec));
  const state = ['--root', path.join(directory, 'state')];
  try {
    const result = spawnSync('runc', [...state, 'run', '--bundle', bundle, id], {
      encoding: 'utf8',
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    assert.equal(result.status, 0, `${result.stderr}${result.stdout}`);
    return result.stdout.trim();
  } finally {
    spawnSync('runc', [...state, 'delete', '--force', id], { timeout: 20_000 });
  }
}

const hasRunc = spawnSync('runc', ['--version'], { timeout: 10_000 }).status === 0;

describe('in a container run by runc', { skip: hasRunc ? false : 'runc is not installed' }, () => {
  it('the process has the user, groups, directory, environment and host name that were asked for', async () => {
    const secure = { runAsUser: 1000, supplementalGroups: [1234] };
    const from = inputWith({ workingDir: '/data', envs: [{ key: 'GREETING', value: 'a "b" =c' }] }, secure);
    const out = await run(
      'busybox id -u; busybox id -g; busybox id -G; pwd; echo $HOME $HOSTNAME; echo "$GREETING"; busybox hostname',
      from,
    );
    assert.deepEqual(out.split('\n'), ['1000', '1000', '1000 1234 50000', '/data', '/home/app box', 'a "b" =c', 'box']);
  });

  it('capabilities, no_new_privs and seccomp are in force', async () => {
    const status = (secure: Parameters<typeof inputWith>[1], pod = {}) => {
      const from = inputWith({}, secure);
      return run('busybox grep -E "^(Cap(Eff|Bnd|Amb)|NoNewPrivs|Seccomp):" /proc/self/status', {
        ...from,
        pod: { ...from.pod, ...pod },
      }).then((out) => new Map(out.split('\n').map((line) => [line.split(':')[0], line.split('\t')[1]])));
    };
    const seccomp = { type: 'runtime-default', localhostRef: '' } as const;
    const plain = await status({ seccomp, noNewPrivs: true });
    assert.equal(plain.get('CapEff'), '00000000a80425fb');
    assert.equal(plain.get('CapBnd'), '00000000a80425fb');
    assert.deepEqual([plain.get('Seccomp'), plain.get('NoNewPrivs')], ['2', '1']);
    const bare = await status({ dropCapabilities: ['ALL'], addCapabilities: ['chown'] });
    assert.equal(bare.get('CapEff'), '0000000000000001');
    assert.deepEqual([bare.get('Seccomp'), bare.get('NoNewPrivs')], ['0', '0']);
    const ambient = await status({ runAsUser: 1000, addAmbientCapabilities: ['NET_BIND_SERVICE'] });
    assert.equal(ambient.get('CapAmb'), '0000000000000400');
    const privileged = await status({ privileged: true, seccomp }, { privileged: true });
    assert.equal(
      BigInt(`0x${privileged.get('CapEff')}`)
        .toString(2)
        .replaceAll('0', '').length,
      host.capabilities.length,
    );
    assert.equal(privileged.get('Seccomp'), '0');
  });

  it('seccomp lets ordinary work through and stops namespaces and clock setting', async () => {
    const seccomp = { type: 'runtime-default', localhostRef: '' } as const;
    const out = await run(
      'busybox ls / >/dev/null && echo works; busybox unshare -n true 2>&1; busybox date -s 2020-01-01 2>&1 | busybox tail -1',
      inputWith({}, { seccomp }),
    );
    assert.match(out, /^works\n.*Operation not permitted/);
  });

  it('a localhost profile is in force', async () => {
    const seccomp = { type: 'localhost', localhostRef: '/x' } as const;
    const localhostSeccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
    };
    const from = inputWith({}, { seccomp }, { localhostSeccomp });
    assert.match(await run('busybox mkdir /tmp/x 2>&1; true', from), /No space left/);
  });

  it('paths are masked and read-only, and the root file system is', async () => {
    const secure = { readonlyRootfs: true, maskedPaths: ['/secret'], readonlyPaths: ['/proc/sys'] };
    const script = `busybox ls /secret; busybox touch /tmp/x 2>&1; echo 1 2>&1 > /proc/sys/kernel/domainname || echo ro;
      busybox touch /dev/shm/x && echo shm; echo x > /dev/null && echo null; busybox test -c /dev/ptmx && echo ptmx`;
    const out = await run(script, inputWith({}, secure));
    assert.match(out, /^touch: \/tmp\/x: Read-only file system\n(.*\n)?ro\nshm\nnull\nptmx$/);
  });

  it('mounts are there, parents before children, and devices with their access', async () => {
    const source = path.join(directory, 'source');
    await fs.mkdir(path.join(source, 'inner'), { recursive: true });
    await fs.writeFile(path.join(source, 'file'), 'shared');
    await fs.mkdir(path.join(directory, 'child'));
    await fs.writeFile(path.join(directory, 'child/deep'), 'nested');
    const bind = (destination: string, from: string, access: string) => ({
      destination,
      source: from,
      type: 'bind',
      options: ['rbind', 'rprivate', access],
    });
    const mounts = [bind('/data/inner', path.join(directory, 'child'), 'rw'), bind('/data', source, 'ro')];
    const zero = { type: 'c', major: 1, minor: 5, fileMode: 0o666, uid: 0, gid: 0, access: 'r' } as const;
    const from = inputWith({}, {}, { mounts, devices: [{ ...zero, path: '/dev/nought' }] });
    const script = `busybox cat /data/file /data/inner/deep; echo; busybox touch /data/x 2>/dev/null || echo ro;
      busybox touch /data/inner/x && echo rw; busybox head -c 3 /dev/nought | busybox wc -c`;
    assert.deepEqual((await run(script, from)).split('\n'), ['sharednested', 'ro', 'rw', '3']);
  });

  it('limits are in force and a privileged container sees the host’s devices', async () => {
    const resources = { ...inputWith({}).config.resources, memoryLimit: 64 * 1024 * 1024, cpuShares: 512 };
    const file = host.cgroupVersion === 2 ? 'memory.max' : 'memory/memory.limit_in_bytes';
    assert.equal(await run(`busybox cat /sys/fs/cgroup/${file}`, inputWith({ resources })), String(64 * 1024 * 1024));
    const kmsg = { path: '/dev/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o600, uid: 0, gid: 0 } as const;
    const from = inputWith({}, { privileged: true }, { hostDevices: [kmsg] });
    const pod = { ...from.pod, privileged: true };
    assert.equal(await run('busybox test -c /dev/kmsg && echo there', { ...from, pod }), 'there');
  });
});
