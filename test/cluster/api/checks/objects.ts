/** Volumes that are objects of the API: configMap, secret, downward API, service account token, and claims. */

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Check, STAY } from '../../check.js';
import { NODE_NAME } from '../../kubelet-config.js';
import type { Pod } from '../../manifest.js';
import { eventually } from '../../wait.js';
import type { ApiCluster } from '../cluster.js';
import { requireGvisor } from './classes.js';

/** Checks that hold in every sandbox: `spec` is what a pod says to be in it, `suffix` is for names. */
interface Sandbox {
  readonly title: string;
  readonly suffix: string;
  readonly spec: { readonly runtimeClassName?: string };
  isHere(): Promise<void>;
}

export const SANDBOXES: readonly Sandbox[] = [
  { title: 'host', suffix: 'host', spec: {}, isHere: async () => {} },
  { title: 'gVisor', suffix: 'gvisor', spec: { runtimeClassName: 'crib-gvisor' }, isHere: requireGvisor },
];

function configMap(name: string, data: object): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

const followed = ({ title, suffix, spec, isHere }: Sandbox): Check<ApiCluster> => ({
  name: `configMap and secret, their changes followed but below a subPath (${title})`,
  run: async (cluster) => {
    await isHere();
    const name = `objects-${suffix}`;
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { password: 'open sesame' } };
    await cluster.kubectl.apply(configMap(name, { colour: 'red', shape: 'round' }), secret);
    await cluster.started(name, {
      ...spec,
      volumes: [
        { name: 'config', configMap: { name } },
        { name: 'secret', secret: { secretName: name, defaultMode: 0o400 } },
      ],
      containers: [
        {
          script: STAY,
          env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name, key: 'colour' } } }],
          volumeMounts: [
            { name: 'config', mountPath: '/config' },
            { name: 'config', mountPath: '/one/colour', subPath: 'colour' },
            { name: 'secret', mountPath: '/secret' },
          ],
        },
      ],
    });
    const read = () =>
      cluster.sh(name, 'echo "$(cat /config/colour /config/shape /one/colour /secret/password) $COLOUR"');
    assert.equal(await read(), 'redroundredopen sesame red');
    assert.equal(await cluster.sh(name, 'stat -L -c %a /secret/password'), '400');
    assert.equal(await cluster.sh(name, 'echo x >/config/colour || echo refused'), 'refused');
    await cluster.kubectl.apply(configMap(name, { colour: 'blue', shape: 'round' }));
    await eventually('the change is in the pod', async () => (await read()) === 'blueroundredopen sesame red');
    await cluster.remove(name);
  },
});

const projected = ({ title, suffix, spec, isHere }: Sandbox): Check<ApiCluster> => ({
  name: `a projected volume: token, downward API, configMap; labels followed (${title})`,
  run: async (cluster) => {
    await isHere();
    const name = `projected-${suffix}`;
    await cluster.kubectl.apply(configMap(name, { file: 'of the map' }));
    const labels = { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } };
    const sources = [
      { serviceAccountToken: { path: 'token', audience: 'somebody', expirationSeconds: 600 } },
      { downwardAPI: { items: [labels] } },
      { configMap: { name } },
    ];
    const pod = await cluster.started(
      name,
      {
        ...spec,
        securityContext: { runAsUser: 1000, fsGroup: 2000 },
        volumes: [{ name: 'all', projected: { sources } }],
        containers: [{ script: STAY, volumeMounts: [{ name: 'all', mountPath: '/all' }] }],
      },
      { labels: { step: 'one' } },
    );
    assert.equal(await cluster.sh(name, 'cat /all/labels /all/file'), 'step="one"of the map');
    const [, payload = ''] = (await cluster.sh(name, 'cat /all/token')).split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    assert.deepEqual([claims.aud, claims.sub], [['somebody'], 'system:serviceaccount:default:default']);
    assert.equal(claims['kubernetes.io']?.pod.uid, pod.metadata.uid);
    // The account's own, which every pod has.
    const account = '/var/run/secrets/kubernetes.io/serviceaccount';
    assert.match(await cluster.sh(name, `cat ${account}/namespace ${account}/ca.crt`), /^default-----BEGIN CERT/);
    await cluster.kubectl.say(['label', 'pod', name, '--overwrite', 'step=two']);
    await eventually(
      'the label is in the pod',
      async () => (await cluster.sh(name, 'cat /all/labels')) === 'step="two"',
    );
    await cluster.remove(name);
  },
});

interface Claims {
  readonly aud: readonly string[];
  readonly sub: string;
  readonly 'kubernetes.io'?: { readonly pod: { readonly uid: string } };
}

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
async function bindClaim({ kubectl }: ApiCluster, name: string, path: string): Promise<void> {
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: 'local' };
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

export const OBJECTS: readonly Check<ApiCluster>[] = SANDBOXES.flatMap((sandbox) => [
  followed(sandbox),
  projected(sandbox),
  claim(sandbox),
]);
