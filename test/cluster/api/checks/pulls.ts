/** Images that are only for those who say who they are. */

import assert from 'node:assert/strict';
import { startAuthRegistry, USER } from '../../../support/auth-registry.js';
import { buildImage } from '../../../support/images.js';
import { busyboxRootfs } from '../../../support/images-debian.js';
import { type Check, STAY } from '../../check.js';
import { containerOf } from '../../manifest.js';
import type { ApiCluster } from '../cluster.js';

const pullSecret: Check<ApiCluster> = {
  name: 'imagePullSecrets: without them the pull fails and says why, with them it does not',
  run: async (cluster) => {
    const image = await buildImage({ layers: [await busyboxRootfs()], config: { Cmd: ['sh'] } });
    const registry = await startAuthRegistry('bearer', image);
    try {
      const containers = [{ image: `${registry.address}/private/image:1`, script: STAY }];
      await cluster.apply('pull-refused', { containers });
      const refused = await cluster.untilPod('pull-refused', 'cannot pull', (pod) => {
        return /ErrImagePull|ImagePullBackOff/.test(containerOf(pod)?.state?.waiting?.reason ?? '');
      });
      assert.match(containerOf(refused)?.state?.waiting?.message ?? '', /401|nauthorized|authentication/);
      const login = Buffer.from(`${USER.username}:${USER.password}`).toString('base64');
      await cluster.kubectl.apply({
        apiVersion: 'v1',
        kind: 'Secret',
        type: 'kubernetes.io/dockerconfigjson',
        metadata: { name: 'login' },
        stringData: { '.dockerconfigjson': JSON.stringify({ auths: { [registry.address]: { auth: login } } }) },
      });
      await cluster.started('pull-allowed', { containers, imagePullSecrets: [{ name: 'login' }] });
      await Promise.all(['pull-refused', 'pull-allowed'].map((name) => cluster.remove(name)));
    } finally {
      await registry.stop();
    }
  },
};

export const PULLS: readonly Check<ApiCluster>[] = [pullSecret];
