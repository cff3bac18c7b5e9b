/** Volumes that a static pod can have: without an API server there is no configMap, secret, service account or claim. */

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../support/command.js';
import { type Check, STAY, sh, started } from '../check.js';
import { NODE_ADDRESS } from '../kubelet-config.js';
import type { ClusterNode } from '../node.js';
import { eventually, isGone } from '../wait.js';

async function shared(node: ClusterNode, name: string): Promise<string> {
  const path = join(node.dir, 'shared', name);
  await mkdir(path, { recursive: true });
  return path;
}

const emptyDirs: Check = {
  name: 'emptyDir on disk and in memory, shared by two containers',
  run: async (node) => {
    const volumeMounts = [
      { name: 'disk', mountPath: '/disk' },
      { name: 'memory', mountPath: '/memory' },
    ];
    const pod = await started(node, 'empty', {
      volumes: [
        { name: 'disk', emptyDir: { sizeLimit: '64Mi' } },
        { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
      ],
      containers: [
        { script: STAY, volumeMounts },
        { name: 'other', script: STAY, volumeMounts },
      ],
    });
    await sh(node, pod, 'echo a >/disk/file; echo b >/memory/file');
    assert.equal(await sh(node, pod, 'cat /disk/file /memory/file', 'other'), 'a\nb');
    assert.equal(await sh(node, pod, 'awk \'$2 == "/memory" { print $3 }\' /proc/mounts'), 'tmpfs');
    assert.equal(await sh(node, pod, "df -k /memory | awk 'NR == 2 { print $2 }'"), '8192');
    await assert.rejects(sh(node, pod, 'dd if=/dev/zero of=/memory/big bs=1M count=9'), /No space left/);
    await node.removeAndWait('empty');
    const volumes = join(node.kubeletRoot, 'pods', pod.metadata.uid, 'volumes');
    await eventually('the volumes are gone', () => isGone(volumes));
  },
};

const fsGroup: Check = {
  name: 'fsGroup, with a user that is not root',
  run: async (node) => {
    const pod = await started(node, 'fsgroup', {
      securityContext: {
        fsGroup: 2000,
        runAsUser: 1000,
        runAsGroup: 3000,
        runAsNonRoot: true,
        supplementalGroups: [4000],
      },
      volumes: [
        { name: 'disk', emptyDir: {} },
        { name: 'memory', emptyDir: { medium: 'Memory' } },
      ],
      containers: [
        {
          script: STAY,
          volumeMounts: [
            { name: 'disk', mountPath: '/disk' },
            { name: 'memory', mountPath: '/memory' },
          ],
        },
      ],
    });
    assert.equal(await sh(node, pod, 'id -u; id -g; id -G'), '1000\n3000\n3000 2000 4000');
    // A tmpfs has the sticky bit from the kubelet.
    for (const [path, mode] of Object.entries({ '/disk': '2777', '/memory': '3777' })) {
      const owners = await sh(node, pod, `touch ${path}/x; stat -c '%u %g' ${path}/x; stat -c '%a %g' ${path}`);
      assert.equal(owners, `1000 2000\n${mode} 2000`);
    }
    await node.removeAndWait('fsgroup');
  },
};

const hostPaths: Check = {
  name: 'hostPath: directory, file, made where missing, read-only',
  run: async (node) => {
    const dir = await shared(node, 'paths');
    await writeFile(join(dir, 'file'), 'of the host\n');
    const pod = await started(node, 'paths', {
      volumes: [
        { name: 'dir', hostPath: { path: dir, type: 'Directory' } },
        { name: 'file', hostPath: { path: join(dir, 'file'), type: 'File' } },
        { name: 'made', hostPath: { path: join(dir, 'made/deep'), type: 'DirectoryOrCreate' } },
      ],
      containers: [
        {
          script: STAY,
          volumeMounts: [
            { name: 'dir', mountPath: '/dir' },
            { name: 'dir', mountPath: '/read-only', readOnly: true },
            { name: 'file', mountPath: '/etc/file', readOnly: true },
            { name: 'made', mountPath: '/made' },
          ],
        },
      ],
    });
    assert.equal(
      await sh(node, pod, 'cat /etc/file /read-only/file; echo x >/dir/new; echo y >/made/new'),
      'of the host\nof the host',
    );
    assert.equal(await readFile(join(dir, 'new'), 'utf8'), 'x\n');
    assert.equal(await readFile(join(dir, 'made/deep/new'), 'utf8'), 'y\n');
    await assert.rejects(sh(node, pod, 'echo z >/read-only/new'), /Read-only file system/);
    await node.removeAndWait('paths');
    assert.equal(await readFile(join(dir, 'file'), 'utf8'), 'of the host\n');
  },
};

const subPaths: Check = {
  name: 'subPath of a directory and a file, subPathExpr',
  run: async (node) => {
    const dir = await shared(node, 'sub');
    await mkdir(join(dir, 'inner'));
    await writeFile(join(dir, 'inner/file'), 'one\n');
    const pod = await started(node, 'sub', {
      volumes: [
        { name: 'host', hostPath: { path: dir } },
        { name: 'disk', emptyDir: {} },
      ],
      containers: [
        {
          script: STAY,
          env: [{ name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          volumeMounts: [
            { name: 'host', mountPath: '/inner', subPath: 'inner' },
            { name: 'host', mountPath: '/etc/one', subPath: 'inner/file', readOnly: true },
            { name: 'disk', mountPath: '/mine', subPathExpr: 'of/$(NAME)' },
            { name: 'disk', mountPath: '/whole' },
          ],
        },
      ],
    });
    assert.equal(await sh(node, pod, 'cat /inner/file /etc/one; touch /mine/x; ls /whole/of/$NAME'), 'one\none\nx');
    await node.removeAndWait('sub');
    assert.equal(await readFile(join(dir, 'inner/file'), 'utf8'), 'one\n');
  },
};

const propagation: Check = {
  name: 'mount propagation in both directions',
  run: async (node) => {
    const dir = await shared(node, 'propagate');
    await mkdir(join(dir, 'host'));
    await mkdir(join(dir, 'pod'));
    const volumes = [{ name: 'dir', hostPath: { path: dir } }];
    const mount = (mountPropagation: string) => [{ name: 'dir', mountPath: '/dir', mountPropagation }];
    const pod = await started(node, 'propagate', {
      volumes,
      containers: [
        { script: STAY, volumeMounts: mount('HostToContainer') },
        { name: 'both', script: STAY, volumeMounts: mount('Bidirectional'), securityContext: { privileged: true } },
        { name: 'none', script: STAY, volumeMounts: mount('None') },
      ],
    });
    await command('mount', ['-t', 'tmpfs', 'host', join(dir, 'host')]);
    try {
      await writeFile(join(dir, 'host/file'), 'mounted on the host\n');
      assert.equal(await sh(node, pod, 'cat /dir/host/file'), 'mounted on the host');
      assert.equal(await sh(node, pod, 'ls /dir/host', 'none'), '');
      await sh(node, pod, 'mount -t tmpfs pod /dir/pod && echo "mounted in the pod" >/dir/pod/file', 'both');
      assert.equal(await readFile(join(dir, 'pod/file'), 'utf8'), 'mounted in the pod\n');
      assert.equal(await sh(node, pod, 'cat /dir/pod/file'), 'mounted in the pod');
      await sh(node, pod, 'umount /dir/pod', 'both');
    } finally {
      await command('umount', ['-l', join(dir, 'host')]);
    }
    await node.removeAndWait('propagate');
  },
};

const downward: Check = {
  name: 'downward API: volume and environment',
  run: async (node) => {
    const labels = { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' }, mode: 0o440 };
    const memory = { containerName: 'main', resource: 'limits.memory', divisor: '1Mi' };
    const items = [labels, { path: 'limit', resourceFieldRef: memory }];
    const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const container = {
      script: STAY,
      env: [field('POD_IP', 'status.podIP'), field('HOST_IP', 'status.hostIP'), field('POD_UID', 'metadata.uid')],
      resources: { limits: { memory: '32Mi' } },
      volumeMounts: [{ name: 'about', mountPath: '/about' }],
    };
    const volumes = [{ name: 'about', downwardAPI: { items } }];
    const spec = { volumes, containers: [container] };
    const pod = await started(node, 'downward', spec, { labels: { app: 'downward' } });
    assert.equal(await sh(node, pod, 'cat /about/labels; echo; cat /about/limit'), 'app="downward"\n32');
    assert.equal(await sh(node, pod, 'stat -Lc %a /about/labels'), '440');
    const told = await sh(node, pod, 'echo $POD_IP $HOST_IP $POD_UID');
    assert.equal(told, `${pod.status.podIP} ${NODE_ADDRESS} ${pod.metadata.uid}`);
    await node.removeAndWait('downward');
  },
};

const imageVolume: Check = {
  name: 'an image as a volume',
  run: async (node) => {
    const image = { reference: node.images.data, pullPolicy: 'IfNotPresent' };
    const volumeMounts = [{ name: 'data', mountPath: '/data', subPath: 'data' }];
    const pod = await started(node, 'image-volume', {
      volumes: [{ name: 'data', image }],
      containers: [{ script: STAY, volumeMounts }],
    });
    assert.equal(await sh(node, pod, 'cat /data/greeting'), 'from an image');
    await assert.rejects(sh(node, pod, 'echo x >/data/new'), /Read-only file system/);
    await node.removeAndWait('image-volume');
  },
};

export const VOLUMES: readonly Check[] = [
  ...[emptyDirs, fsGroup, hostPaths, subPaths],
  ...[propagation, downward, imageVolume],
];
