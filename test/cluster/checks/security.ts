/** Security contexts, and the namespaces that pods share with each other or with the node. */

import assert from 'node:assert/strict';
import { readlink } from 'node:fs/promises';
import http from 'node:http';
import { release } from 'node:os';
import { text } from 'node:stream/consumers';
import { type Check, NotHere, podOf, STAY, sh, started } from '../check.js';
import { NODE_ADDRESS } from '../kubelet-config.js';
import { containerOf } from '../manifest.js';
import type { ClusterNode } from '../node.js';
import { eventually } from '../wait.js';

const restricted: Check = {
  name: 'a restricted container: capabilities, seccomp, no new privileges, read-only root',
  run: async (node) => {
    const securityContext = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
      seccompProfile: { type: 'RuntimeDefault' },
      runAsUser: 65534,
    };
    const pod = await started(node, 'restricted', { containers: [{ script: STAY, securityContext }] });
    const fields = '^(Uid|NoNewPrivs|Seccomp|CapBnd):';
    const status = await sh(node, pod, `grep -E '${fields}' /proc/1/status | tr -s '\\t' ' '`);
    assert.equal(status, 'Uid: 65534 65534 65534 65534\nCapBnd: 0000000000000400\nNoNewPrivs: 1\nSeccomp: 2');
    await assert.rejects(sh(node, pod, 'touch /new'), /Read-only file system/);
    await node.removeAndWait('restricted');
  },
};

const privileged: Check = {
  name: 'a privileged container',
  run: async (node) => {
    const pod = await started(node, 'privileged', {
      containers: [{ script: STAY, securityContext: { privileged: true } }],
    });
    await sh(node, pod, 'mkdir /m && mount -t tmpfs x /m && [ -e /dev/kmsg ]');
    assert.match(await sh(node, pod, 'grep Seccomp: /proc/1/status'), /0$/);
    await node.removeAndWait('privileged');
  },
};

const imageUser: Check = {
  name: "the image's own user",
  run: async (node) => {
    const container = { image: node.images.user, script: STAY, securityContext: { runAsNonRoot: true } };
    const pod = await started(node, 'image-user', { containers: [container] });
    // Of the image's `4711:4712` a kubelet passes on the user alone, as with every runtime.
    assert.equal(await sh(node, pod, 'id -u; id -g'), '4711\n0');
    // The kubelet does not know the number of a user that runs as root, but for that of the image.
    await node.apply(
      podOf(node, 'root-user', { containers: [{ script: STAY, securityContext: { runAsNonRoot: true } }] }),
    );
    await node.untilPod('root-user', 'is refused', (now) => {
      return containerOf(now)?.state?.waiting?.reason === 'CreateContainerConfigError';
    });
    await node.removeAndWait('root-user');
    await node.removeAndWait('image-user');
  },
};

const sysctls: Check = {
  name: 'sysctls of a pod, safe and unsafe',
  run: async (node) => {
    const pod = await started(node, 'sysctls', {
      securityContext: {
        sysctls: [
          { name: 'net.ipv4.ip_unprivileged_port_start', value: '81' },
          { name: 'net.core.somaxconn', value: '333' },
          { name: 'kernel.shm_rmid_forced', value: '1' },
        ],
      },
      containers: [{ script: STAY }],
    });
    const files = 'net/ipv4/ip_unprivileged_port_start net/core/somaxconn kernel/shm_rmid_forced';
    assert.equal(await sh(node, pod, `cd /proc/sys; cat ${files}`), '81\n333\n1');
    await node.removeAndWait('sysctls');
  },
};

async function requireUserNamespaces(node: ClusterNode): Promise<void> {
  const { runtimeHandlers } = await node.cri.runtime.status({});
  if (runtimeHandlers.some(({ name, features }) => name === '' && features?.userNamespaces === true)) return;
  throw new NotHere('the OCI runtime has no user namespaces for pods here, and crib says so to the kubelet');
}

const userNamespace: Check = {
  name: 'a pod in a user namespace',
  run: async (node) => {
    await requireUserNamespaces(node);
    const containers = [{ script: STAY, volumeMounts: [{ name: 'disk', mountPath: '/disk' }] }];
    const pod = await started(node, 'userns', {
      hostUsers: false,
      volumes: [{ name: 'disk', emptyDir: {} }],
      containers,
    });
    const [inside = '', outside = '0', length = ''] = (await sh(node, pod, 'cat /proc/self/uid_map'))
      .trim()
      .split(/\s+/);
    assert.deepEqual([inside, length], ['0', '65536']);
    assert.ok(Number(outside) >= 65536, outside);
    assert.equal(await sh(node, pod, 'touch /disk/x; stat -c %u /disk/x'), '0');
    await node.removeAndWait('userns');
  },
};

/** A tmpfs can be id-mapped from Linux 6.3 on (mount_setattr(2)). */
function kernelMapsTmpfs(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 3);
}

const userNamespaceMemory: Check = {
  name: 'an emptyDir in memory in a user namespace, or why this kernel cannot',
  run: async (node) => {
    await requireUserNamespaces(node);
    const volumes = [{ name: 'memory', emptyDir: { medium: 'Memory' } }];
    const containers = [{ script: STAY, volumeMounts: [{ name: 'memory', mountPath: '/memory' }] }];
    const spec = { hostUsers: false, volumes, containers };
    if (kernelMapsTmpfs()) {
      const pod = await started(node, 'userns-memory', spec);
      assert.equal(await sh(node, pod, 'touch /memory/x; stat -c %u /memory/x'), '0');
    } else {
      await node.apply(podOf(node, 'userns-memory', spec));
      await node.untilPod('userns-memory', 'is told why', (pod) => {
        return /host path on tmpfs.*from Linux 6\.3/.test(containerOf(pod)?.state?.waiting?.message ?? '');
      });
    }
    await node.removeAndWait('userns-memory');
  },
};

const hostNamespaces: Check = {
  name: 'hostNetwork, hostPID, hostIPC',
  run: async (node) => {
    const pod = await started(node, 'host', {
      hostNetwork: true,
      hostPID: true,
      hostIPC: true,
      containers: [{ script: STAY }],
    });
    assert.match(await sh(node, pod, 'ip -4 address show eth0'), new RegExp(NODE_ADDRESS));
    for (const kind of ['net', 'pid', 'ipc']) {
      assert.equal(await sh(node, pod, `readlink /proc/self/ns/${kind}`), await readlink(`/proc/self/ns/${kind}`));
    }
    assert.equal(await sh(node, pod, 'hostname'), 'node');
    await node.removeAndWait('host');
  },
};

const sharedProcesses: Check = {
  name: 'shareProcessNamespace',
  run: async (node) => {
    const pod = await started(node, 'share', {
      shareProcessNamespace: true,
      containers: [{ script: 'exec sleep 5432' }, { name: 'other', script: STAY }],
    });
    const pid = await sh(node, pod, 'pgrep -x sleep -a | grep 5432 | cut -d" " -f1', 'other');
    assert.ok(Number(pid) > 1, pid);
    await sh(node, pod, `kill -KILL ${pid}`, 'other');
    const after = await node.untilPod(
      'share',
      'has one container restarted',
      (now) => containerOf(now)?.restartCount === 1,
    );
    assert.equal(containerOf(after)?.lastState?.terminated?.exitCode, 137);
    assert.equal(containerOf(after, 'other')?.restartCount, 0);
    await node.removeAndWait('share');
  },
};

const names: Check = {
  name: 'host name, hosts file, DNS',
  run: async (node) => {
    const pod = await started(node, 'names', {
      hostname: 'given',
      subdomain: 'sub',
      hostAliases: [{ ip: '192.0.2.77', hostnames: ['alias.example'] }],
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['192.0.2.99'], searches: ['a.example'], options: [{ name: 'ndots', value: '3' }] },
      containers: [{ script: STAY }],
    });
    assert.equal(await sh(node, pod, 'hostname'), 'given');
    const hosts = await sh(node, pod, 'cat /etc/hosts');
    assert.match(hosts, /^192\.0\.2\.77\talias\.example$/m);
    assert.match(hosts, new RegExp(`^${pod.status.podIP}\tgiven`, 'm'));
    const resolv = (await sh(node, pod, 'cat /etc/resolv.conf')).split('\n');
    assert.deepEqual(resolv, ['search a.example', 'nameserver 192.0.2.99', 'options ndots:3']);
    const plain = await started(node, 'names-default', { dnsPolicy: 'Default', containers: [{ script: STAY }] });
    assert.match(await sh(node, plain, 'cat /etc/resolv.conf'), /^search test\.example\nnameserver 192\.0\.2\.53/);
    await node.removeAndWait('names-default');
    await node.removeAndWait('names');
  },
};

const hostPort: Check = {
  name: 'a port of the node',
  run: async (node) => {
    await started(node, 'host-port', {
      containers: [{ script: 'exec httpd -f -p 8080 -h /', ports: [{ containerPort: 8080, hostPort: 28080 }] }],
    });
    await eventually('the port answers', async () => (await page(NODE_ADDRESS, 28080, '/NAME')) === 'busybox\n');
    await node.removeAndWait('host-port');
    assert.equal(await page(NODE_ADDRESS, 28080, '/NAME'), undefined);
  },
};

/** undefined: nobody answers. */
export function page(host: string, port: number, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.get({ host, port, path, agent: false, timeout: 3000 }, (response) => {
      text(response).then(resolve, () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy()).on('error', () => resolve(undefined));
  });
}

export const SECURITY: readonly Check[] = [
  ...[restricted, privileged, imageUser, sysctls],
  ...[userNamespace, userNamespaceMemory, hostNamespaces, sharedProcesses, names, hostPort],
];
