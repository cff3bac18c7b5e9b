/** Volumes that are objects of the API: configMap, secret, downward API, service account token. */

import assert from 'node:assert/strict';
import { type Check, STAY } from '../../check.js';
import { eventually } from '../../wait.js';
import type { ApiCluster } from '../cluster.js';
import { SANDBOXES, type Sandbox } from '../sandboxes.js';

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

export const OBJECTS: readonly Check<ApiCluster>[] = SANDBOXES.flatMap((sandbox) => [
  followed(sandbox),
  projected(sandbox),
]);
