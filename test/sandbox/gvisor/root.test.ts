import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { shmHint } from '../../../sandbox/gvisor/mount-hints.js';
import { sharedPidNamespace } from '../../../sandbox/gvisor/places.js';
import { rootBundle, rootSpec } from '../../../sandbox/gvisor/root.js';
import { podRecord } from '../../support/records.js';

const NOTHING = { annotations: {}, mounts: [] };
const POD = { ...podRecord('pod'), namespaces: { ...podRecord('pod').namespaces, network: '/run/net', pid: 'new' } };

interface Spec {
  readonly process: { readonly user: object; readonly noNewPrivileges: boolean; readonly capabilities: object };
  readonly root: object;
  readonly hostname: string;
  readonly mounts: readonly { readonly destination: string }[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: { readonly cgroupsPath: string; readonly namespaces: readonly object[] };
}

const specOf = (...args: Parameters<typeof rootSpec>): Spec => JSON.parse(JSON.stringify(rootSpec(...args)));

test('the sentry is on the pod’s network and in its cgroup, and has its PID namespace first', () => {
  const { linux, hostname } = specOf(POD, '/rootfs', '/pod/sentry', NOTHING);
  assert.deepEqual(linux, {
    cgroupsPath: '/pod/sentry',
    namespaces: [
      { type: 'mount' },
      { type: 'pid', path: sharedPidNamespace('pod') },
      { type: 'network', path: '/run/net' },
    ],
  });
  assert.equal(hostname, 'pod');
  const nameless = { ...POD, config: { ...POD.config, hostname: '' } };
  assert.equal(specOf(nameless, '/rootfs', '/pod/sentry', NOTHING).hostname, os.hostname());
});

test('what every container of the pod can see has nothing that they could use', () => {
  const { process, root } = specOf(POD, '/rootfs', '/x', NOTHING);
  assert.deepEqual(root, { path: '/rootfs', readonly: true });
  assert.deepEqual([process.user, process.noNewPrivileges], [{ uid: 65_534, gid: 65_534 }, true]);
  assert.deepEqual(new Set(Object.values(process.capabilities).map((names) => names.length)), new Set([0]));
});

test('runsc knows it for the root container, and volumes are told beside that', () => {
  const mounts = [{ destination: '/vol', type: 'bind', source: '/src', options: ['rw'] }];
  const given = { annotations: { 'dev.gvisor.spec.mount.data.type': 'tmpfs' }, mounts };
  const { annotations, mounts: made } = specOf(POD, '/rootfs', '/x', given);
  assert.equal(annotations['io.kubernetes.cri.container-type'], 'sandbox');
  assert.equal(annotations['dev.gvisor.spec.mount.data.type'], 'tmpfs');
  for (const [key, value] of Object.entries(shmHint())) assert.equal(annotations[key], value);
  assert.deepEqual(
    made.map(({ destination }) => destination),
    ['/proc', '/vol'],
  );
});

test('the bundle is the daemon’s alone to read, and its root holds catatonit and places to mount on', async (t) => {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-gvisor-root-'));
  t.after(() => fs.rmSync(state, { recursive: true }));
  const bundle = await rootBundle(POD, path.join(state, 'pods/pod'), state, '/x', NOTHING);
  assert.equal(bundle, path.join(state, 'pods/pod/sentry'));
  const modes = [bundle, path.join(bundle, 'config.json')].map((file) => fs.statSync(file).mode & 0o777);
  assert.deepEqual(modes, [0o700, 0o600]);
  const { root } = JSON.parse(fs.readFileSync(path.join(bundle, 'config.json'), 'utf8'));
  assert.deepEqual(fs.readdirSync(root.path).sort(), ['catatonit', 'dev', 'proc']);
  await rootBundle(POD, path.join(state, 'pods/pod'), state, '/again', NOTHING);
});
