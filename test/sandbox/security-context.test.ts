/** What a process really has of a container's security context: asked of processes in pods, with and without a user namespace. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ContainerConfig, ContainerSecurity, NamespaceOptions } from '../../runtime/containers/config.js';
import { unmountIfMounted } from '../../runtime/containers/rootfs.js';
import { CAPABILITY_NAMES } from '../../runtime/spec/capabilities.js';
import { containerConfig, podConfig } from '../support/configs.js';
import { startTestNode, type TestNode } from '../support/node.js';
import { mountOf } from '../volumes/fixture.js';

const NEVER = new AbortController().signal;
const RANGE = [{ containerId: 0, hostId: 300_000, length: 65_536 }];

let node: TestNode;
let attempt = 0;
const pods = () => node.node().pods;

before(async () => {
  node = await startTestNode('10.203.44.0/24', 'cribtestsec0');
});
after(() => node.stop());

for (const [where, user] of [
  ['without a user namespace', undefined],
  ['in a user namespace', { uids: RANGE, gids: RANGE }],
] as const) {
  describe(where, () => {
    let pod = '';

    before(async () => {
      const config = podConfig(`security${user === undefined ? '' : '-user'}`);
      const namespaces = { ...config.security.namespaces, user };
      pod = await pods().runPod(
        { ...config, security: { ...config.security, privileged: true, namespaces } },
        '',
        NEVER,
      );
    });

    async function start(secure: Partial<ContainerSecurity>, more: Partial<ContainerConfig> = {}): Promise<string> {
      attempt += 1;
      const base = containerConfig(`c${attempt}`, node.image);
      const namespaces: NamespaceOptions = { ...base.security.namespaces, user, ...secure.namespaces };
      const security = { ...base.security, ...secure, namespaces };
      const command = ['sh', '-c', 'exec sleep 1000'];
      const id = await pods().createContainer(pod, { ...base, command, ...more, security }, undefined);
      await pods().startContainer(id);
      return id;
    }

    async function text(id: string, script: string): Promise<string> {
      const { stdout, stderr } = await pods().execSync(id, ['sh', '-c', script], 10_000, NEVER);
      return `${stdout}${stderr}`.trim();
    }

    /** Of the container's own process, which has been through an execve(2) since the runtime set them. */
    const sets = async (id: string) => {
      const status = await fs.promises.readFile(`/proc/${pods().containerStatus(id).pid}/status`, 'utf8');
      return Object.fromEntries(
        [...status.matchAll(/^Cap(Inh|Prm|Eff|Bnd|Amb):\s+(\w+)$/gm)].map(([, name = '', mask]) => {
          const bits = BigInt(`0x${mask}`);
          return [name, CAPABILITY_NAMES.filter((_, bit) => ((bits >> BigInt(bit)) & 1n) === 1n)];
        }),
      );
    };

    it('an added capability is lost to a user who is not root, an ambient one is not', async () => {
      const added = await start({ runAsUser: 1000, dropCapabilities: ['ALL'], addCapabilities: ['CHOWN'] });
      assert.deepEqual(await sets(added), { Inh: [], Prm: [], Eff: [], Bnd: ['CAP_CHOWN'], Amb: [] });
      const ambient = await start({ runAsUser: 1000, dropCapabilities: ['ALL'], addAmbientCapabilities: ['CHOWN'] });
      const chown = ['CAP_CHOWN'];
      assert.deepEqual(await sets(ambient), { Inh: chown, Prm: chown, Eff: chown, Bnd: chown, Amb: chown });
      assert.equal(await text(ambient, 'touch /tmp/x && chown 7:8 /tmp/x && stat -c %u:%g /tmp/x'), '7:8');
      assert.match(await text(added, 'touch /tmp/x && chown 7:8 /tmp/x'), /not permitted/);
      const both = await start({
        runAsUser: 1000,
        addCapabilities: ['SYS_TIME'],
        addAmbientCapabilities: ['SYS_TIME'],
      });
      assert.deepEqual((await sets(both)).Eff, ['CAP_SYS_TIME']);
    });

    it('a dropped capability is in no set, also where it is ambient', async () => {
      const id = await start({
        runAsUser: 1000,
        dropCapabilities: ['CHOWN'],
        addAmbientCapabilities: ['CHOWN', 'KILL'],
      });
      const { Amb, Bnd, Inh } = await sets(id);
      assert.deepEqual([Amb, Inh], [['CAP_KILL'], ['CAP_KILL']]);
      assert.ok(Bnd?.includes('CAP_CHOWN') === false);
    });

    it('ALL is all that this host has, and can be less one', async () => {
      const all = (await sets(await start({ addCapabilities: ['ALL'] }))).Eff ?? [];
      assert.ok(all.includes('CAP_SYS_ADMIN'));
      const less = (await sets(await start({ addCapabilities: ['ALL'], dropCapabilities: ['SYS_ADMIN'] }))).Eff;
      assert.deepEqual(
        less,
        all.filter((name) => name !== 'CAP_SYS_ADMIN'),
      );
      assert.deepEqual((await sets(await start({ privileged: true }))).Eff, all);
    });

    it('the groups of the image are merged, or strictly left out, and the status says which', async () => {
      const merged = await start({ runAsUser: 0, supplementalGroups: [77] });
      const strict = await start({ runAsUser: 0, supplementalGroups: [77], supplementalGroupsPolicy: 'strict' });
      assert.equal(await text(merged, 'id -G'), '0 10 77');
      assert.equal(await text(strict, 'id -G'), '0 77');
      assert.deepEqual(pods().containerStatus(strict).user.additionalGids, [0, 77]);
    });

    it('paths are masked and read-only, a seccomp profile from a file and NoNewPrivs are in force', async () => {
      const profile = path.join(node.directory, 'profile.json');
      const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 };
      fs.writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }));
      const id = await start({
        maskedPaths: ['/proc/cpuinfo', '/etc/group', '/sys/firmware', '/proc/not-there'],
        readonlyPaths: ['/proc/sys', '/tmp'],
        seccomp: { type: 'localhost', localhostRef: profile },
        noNewPrivs: true,
      });
      assert.equal(await text(id, 'cat /etc/group; ls /sys/firmware; wc -c < /proc/cpuinfo'), '0');
      assert.match(await text(id, 'touch /tmp/x; echo 1 > /proc/sys/net/ipv4/ip_forward'), /Read-only[\s\S]*Read-only/);
      assert.match(await text(id, 'mkdir /x'), /No space left/);
      assert.match(await text(id, 'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status'), /NoNewPrivs:\t1\nSeccomp:\t2/);
    });

    it('a read-only mount is so on top, a recursive one all the way down', async () => {
      const source = path.join(node.directory, `tree-${user === undefined ? 'plain' : 'user'}`);
      fs.mkdirSync(path.join(source, 'sub'), { recursive: true });
      fs.chmodSync(source, 0o777);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=777', 'tmpfs', path.join(source, 'sub')]);
      const mounts = [
        mountOf(source, '/rw'),
        mountOf(source, '/ro', { readonly: true }),
        mountOf(source, '/rro', { readonly: true, recursiveReadOnly: true }),
      ];
      const id = await start({}, { mounts });
      const script = 'for d in /rw /rw/sub /ro /ro/sub /rro /rro/sub; do touch $d/x 2>/dev/null && echo $d; done; true';
      assert.deepEqual((await text(id, script)).split('\n'), ['/rw', '/rw/sub', '/ro/sub']);
      await pods().removeContainer(id);
      unmountIfMounted(path.join(source, 'sub'));
    });

    it('a privileged container may mount, and has the devices of the host', async () => {
      const id = await start({ privileged: true });
      assert.equal(await text(id, 'mount -t tmpfs x /mnt && test -c /dev/kmsg && touch /mnt/x && echo done'), 'done');
    });
  });
}

it('mounts go to the host and back with bidirectional propagation', async () => {
  const source = path.join(node.directory, 'both-ways');
  fs.mkdirSync(path.join(source, 'inner'), { recursive: true });
  execFileSync('mount', ['--bind', source, source]);
  execFileSync('mount', ['--make-shared', source]);
  const config = podConfig('both-ways');
  const pod = await pods().runPod({ ...config, security: { ...config.security, privileged: true } }, '', NEVER);
  const base = containerConfig('c', node.image);
  const script = 'mount -t tmpfs x /v/inner && touch /v/inner/mine; exec sleep 1000';
  const id = await pods().createContainer(
    pod,
    {
      ...base,
      command: ['sh', '-c', script],
      mounts: [mountOf(source, '/v', { propagation: 'bidirectional' })],
      security: { ...base.security, privileged: true },
    },
    undefined,
  );
  await pods().startContainer(id);
  const seen = path.join(source, 'inner/mine');
  for (let wait = 0; wait < 100 && !fs.existsSync(seen); wait += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(fs.existsSync(seen));
  await pods().removePod(pod);
  unmountIfMounted(path.join(source, 'inner'));
  unmountIfMounted(source);
});
