import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readManifest } from '../../../cri/cli/manifest.js';

/** A pod of one container, with something else in its place, its container's, or its specification's. */
function pod(change: { container?: object; spec?: object; top?: object } = {}): unknown {
  const container = { name: 'web', image: 'busybox', ...change.container };
  const spec = { containers: [container], ...change.spec };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shop' }, spec, ...change.top };
}

test('what is not written has the default of Kubernetes', () => {
  const manifest = readManifest(pod());
  const { namespace, hostname, restartPolicy, terminationGraceSeconds } = manifest;
  assert.deepEqual([namespace, hostname, restartPolicy, terminationGraceSeconds], ['default', 'shop', 'Always', 30]);
  const { cpuLimit, memoryLimit, allowPrivilegeEscalation } = manifest.containers[0] ?? {};
  assert.deepEqual([cpuLimit, memoryLimit, allowPrivilegeEscalation], [0, 0, true]);
});

const BAD: readonly (readonly [what: string, document: unknown, message: RegExp])[] = [
  ['no object', 'text', /manifest must be an object/],
  ['another kind', { ...Object(pod()), kind: 'Deployment' }, /apiVersion v1 and kind Pod/],
  ['no container', pod({ spec: { containers: [] } }), /spec\.containers must name at least one/],
  ['an unknown field', pod({ container: { livenessProbe: {} } }), /containers\[0\]\.livenessProbe is not something/],
  [
    'a limit that is not kept',
    pod({ container: { resources: { limits: { memroy: '1Gi' } } } }),
    /limits\.memroy is not/,
  ],
  [
    'a name that is a path',
    pod({ container: { name: '../../etc' } }),
    /containers\[0\]\.name "\.\.\/\.\.\/etc" must be/,
  ],
  ['a long name', pod({ container: { name: 'a'.repeat(64) } }), /63 at the most/],
  ['a volume that is a path', pod({ spec: { volumes: [{ name: 'a/b', emptyDir: {} }] } }), /volumes\[0\]\.name "a\/b"/],
  ['a volume of no kind', pod({ spec: { volumes: [{ name: 'v' }] } }), /volumes\[0\] must be an emptyDir, hostPath/],
  [
    'two volumes of a name',
    pod({
      spec: {
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'v', hostPath: { path: '/' } },
        ],
      },
    }),
    /two volumes are named v/,
  ],
  [
    'a mount of nothing',
    pod({ container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] } }),
    /which spec\.volumes lacks/,
  ],
  [
    'two containers of a name',
    pod({ spec: { initContainers: [{ name: 'web', image: 'x' }] } }),
    /two containers are named web/,
  ],
];
for (const [what, document, message] of BAD) {
  test(`refused: ${what}`, () => {
    assert.throws(() => readManifest(document), { code: 'INVALID_ARGUMENT', message });
  });
}
