/** Claims of local volumes: a directory, and a block device. */

import assert from 'node:assert/strict';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../../support/command.js';
import { type Check, STAY } from '../../check.js';
import { NODE_NAME } from '../../kubelet-config.js';
import type { Pod } from '../../manifest.js';
import { eventually } from '../../wait.js';
import type { ApiCluster } from '../cluster.js';
import { requireGvisor, SANDBOXES, type Sandbox } from '../sandboxes.js';

const claim = ({ title, suffix, spec, isHere }: Sandbox): Check<ApiCluster> => ({
  name: `a claim of a local volume, whole and by subPath; its files outlive the pod (${title})`,
  run: async (cluster) => {
    await isHere();
    const name = `claim-${suffix}`;
    const path = join(cluster.node.dir, 'shared', name);
    await mkdir(path, { recursive: true });
    await bindClaim(cluster, name, path);
    await cluster.started(name, {
      ...spec,
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
      containers: [
        {
          script: STAY,
          volumeMounts: [
            { name: 'data', mountPath: '/data' },
            { name: 'data', mountPath: '/part', subPath: 'part' },
          ],
        },
      ],
    });
    assert.equal(await cluster.sh(name, 'echo kept >/part/file; cat /data/part/file'), 'kept');
    await cluster.remove(name);
    assert.equal(await readFile(join(path, 'part/file'), 'utf8'), 'kept\n');
  },
});

/** As a controller would bind them: each names the other, and the claim says that it is bound. */
async function bindClaim(
  { kubectl }: ApiCluster,
  name: string,
  path: string,
  volumeMode = 'Filesystem',
): Promise<void> {
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: 'local', volumeMode };
  await kubectl.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { ...spec, volumeName: name, resources: { requests: { storage: '1Gi' } } },
  });
  const claim = await kubectl.get<Pod>('pvc', name);
  const here = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [NODE_NAME] }];
  await kubectl.apply({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      ...spec,
      capacity: { storage: '1Gi' },
      local: { path },
      claimRef: { namespace: 'default', name, uid: claim?.metadata.uid },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: here }] } },
    },
  });
  const status = { phase: 'Bound', accessModes: spec.accessModes, capacity: { storage: '1Gi' } };
  await kubectl.say(['patch', 'pvc', name, '--subresource=status', '--patch', JSON.stringify({ status })]);
}

/** A loop device of 8 MiB while `use` runs: the kubelet keeps it by one of its own. */
async function withLoopDevice(file: string, use: (device: string) => Promise<void>): Promise<void> {
  const handle = await open(file, 'w');
  await handle.truncate(8 << 20);
  await handle.close();
  const device = (await command('losetup', ['--find', '--show', file])).toString().trim();
  try {
    await use(device);
  } finally {
    await command('losetup', ['--detach', device]);
  }
}

function blockSpec(name: string): Pick<Parameters<ApiCluster['apply']>[1], 'containers' | 'volumes'> {
  return {
    volumes: [{ name: 'disk', persistentVolumeClaim: { claimName: name } }],
    containers: [{ script: STAY, volumeDevices: [{ name: 'disk', devicePath: '/dev/disk' }] }],
  };
}

const block: Check<ApiCluster> = {
  name: 'a claim of a block device: its node in the container, its content on the device',
  run: async (cluster) => {
    const file = join(cluster.node.dir, 'block');
    await withLoopDevice(file, async (device) => {
      await bindClaim(cluster, 'block', device, 'Block');
      await cluster.started('block', blockSpec('block'));
      assert.match(await cluster.sh('block', 'ls -l /dev/disk'), /^b/);
      await cluster.sh('block', 'echo written by the pod | dd of=/dev/disk bs=512 seek=2 conv=sync,fsync');
      await cluster.remove('block');
    });
    assert.equal((await readFile(file)).toString('latin1', 1024, 1042), 'written by the pod');
  },
};

const refused: Check<ApiCluster> = {
  name: 'a claim of a block device in gVisor: refused, and the event says why',
  run: async (cluster) => {
    await requireGvisor();
    await withLoopDevice(join(cluster.node.dir, 'block-gvisor'), async (device) => {
      await bindClaim(cluster, 'block-gvisor', device, 'Block');
      await cluster.apply('block-gvisor', { runtimeClassName: 'crib-gvisor', ...blockSpec('block-gvisor') });
      await eventually('an event says why', async () => {
        return /config\.devices is not possible in gVisor/.test(await cluster.eventsOf('block-gvisor'));
      });
      await cluster.remove('block-gvisor');
    });
  },
};

export const CLAIMS: readonly Check<ApiCluster>[] = [...SANDBOXES.map(claim), block, refused];
