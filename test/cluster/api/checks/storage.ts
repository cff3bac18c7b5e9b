/** How much a pod may write: limits of emptyDirs, eviction, and mounts that are read-only all the way down. */

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../../support/command.js';
import { type Check, STAY } from '../../check.js';
import type { ApiCluster } from '../cluster.js';
import { requireGvisor, SANDBOXES } from '../sandboxes.js';

const declared: Check<ApiCluster> = {
  name: 'the size limit of an emptyDir in gVisor, as the Pod object has it',
  run: async (cluster) => {
    await requireGvisor();
    await cluster.started('declared', {
      runtimeClassName: 'crib-gvisor',
      volumes: [{ name: 'disk', emptyDir: { sizeLimit: '24Mi' } }],
      containers: [{ script: STAY, volumeMounts: [{ name: 'disk', mountPath: '/disk' }] }],
    });
    assert.equal(await cluster.sh('declared', "df -k /disk | awk 'NR == 2 { print $2 }'"), String(24 * 1024));
    const full = await cluster.sh('declared', 'dd if=/dev/zero of=/disk/big bs=1M count=32 2>&1; true');
    assert.match(full, /No space left/);
    await cluster.remove('declared');
  },
};

/** What each sandbox counts where the kubelet looks for it: more than the limit ends the pod. */
const evicted = SANDBOXES.map(
  ({ title, suffix, spec, isHere }): Check<ApiCluster> => ({
    name: `eviction of a pod that writes more than its ephemeral storage into an emptyDir (${title})`,
    run: async (cluster) => {
      await isHere();
      const name = `evicted-${suffix}`;
      // Not one that ends with 0 when it is told to: that pod a kubelet may show as one that has succeeded.
      const script = 'dd if=/dev/urandom of=/disk/big bs=1M count=24; exec sleep 1000';
      const resources = { limits: { 'ephemeral-storage': '16Mi' } };
      await cluster.apply(name, {
        ...spec,
        volumes: [{ name: 'disk', emptyDir: {} }],
        containers: [{ script, resources, volumeMounts: [{ name: 'disk', mountPath: '/disk' }] }],
      });
      const { status } = await cluster.untilPod(name, 'is evicted', (pod) => pod.status.phase === 'Failed');
      assert.equal(status.reason, 'Evicted');
      assert.match(status.message ?? '', /ephemeral/);
      await cluster.remove(name);
    },
  }),
);

const recursive: Check<ApiCluster> = {
  name: 'recursiveReadOnly: a mount below the volume cannot be written either',
  run: async (cluster) => {
    const dir = join(cluster.node.dir, 'shared', 'recursive');
    await mkdir(join(dir, 'below'), { recursive: true });
    await command('mount', ['-t', 'tmpfs', 'below', join(dir, 'below')]);
    try {
      await writeFile(join(dir, 'below', 'file'), 'x');
      await cluster.started('recursive', {
        volumes: [{ name: 'dir', hostPath: { path: dir } }],
        containers: [
          {
            script: STAY,
            volumeMounts: [
              { name: 'dir', mountPath: '/plain', readOnly: true },
              { name: 'dir', mountPath: '/deep', readOnly: true, recursiveReadOnly: 'Enabled' },
            ],
          },
        ],
      });
      assert.equal(await cluster.sh('recursive', 'echo a >/plain/below/file && cat /deep/below/file'), 'a');
      await assert.rejects(cluster.sh('recursive', 'echo b >/deep/below/file'), /Read-only file system/);
      await cluster.remove('recursive');
    } finally {
      await command('umount', [join(dir, 'below')]);
    }
  },
};

export const STORAGE: readonly Check<ApiCluster>[] = [declared, ...evicted, recursive];
