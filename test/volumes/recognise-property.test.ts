/** Classification against a slow reference that is written another way, and against other spellings of one path. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { isVolumesOf } from '../../volumes/data-root.js';
import { gatherFacts } from '../../volumes/facts.js';
import { Mounts } from '../../volumes/mount-table.js';
import { podVolumeAt } from '../../volumes/pod-volume.js';
import { KINDS } from '../../volumes/registry.js';
import type { MountFacts, VolumeKind } from '../../volumes/types.js';
import { fuzzed } from '../support/fuzz.js';
import { HOST, makeTemporary, removeTemporary } from './fixture.js';

const UID = HOST.podUid;
const PLUGINS = ['empty-dir', 'configmap', 'secret', 'projected', 'downward-api', 'csi', 'empty-dirX', 'empty', ''];
const volumePath = fc
  .tuple(
    fc.array(fc.constantFrom('var', 'pods', UID, 'volumes'), { maxLength: 3 }),
    fc.constantFrom(UID, UID, `x${UID}`, 'other'),
    fc.constantFrom('volumes', 'volumes', 'volumesX', 'volume-subpaths'),
    fc.constantFrom(...PLUGINS).map((plugin) => `kubernetes.io~${plugin}`),
    fc.array(fc.constantFrom('v', 'cache', 'sub', UID, 'volumes', 'kubernetes.io~secret', '_data'), { maxLength: 5 }),
  )
  .map(([above, uid, volumes, plugin, below]) => [...above, uid, volumes, plugin, ...below]);
const anyPath = fc.array(
  fc.constantFrom('dev', 'proc', 'procx', 'sys', 'shm', 'pts', 'volumes', '_data', UID, 'kubernetes.io~empty-dir'),
  { maxLength: 6 },
);
const elements = fc.oneof(volumePath, volumePath, anyPath);

const facts = fc.record({
  elements,
  type: fc.constantFrom<MountFacts['type']>('directory', 'directory', 'file', 'block', 'character', 'socket', 'fifo'),
  magic: fc.constantFrom(FS_MAGIC.EXT4, FS_MAGIC.TMPFS, FS_MAGIC.HUGETLBFS, FS_MAGIC.DEVPTS),
  mountDepth: fc.nat(8),
  containerPath: fc.constantFrom('/data', '/dev/shm'),
  dataRoot: fc.constantFrom(undefined, undefined, '/var/lib/docker'),
});

interface Found {
  readonly plugin: string;
  /** How many elements of the path are the volume's own directory. */
  readonly depth: number;
}

/** By elements, from the left, as the kubelet's getters put them together. */
function slowVolume(names: readonly string[]): Found | undefined {
  for (let index = 0; index + 3 < names.length; index += 1) {
    const [uid, volumes, plugin = '', name] = names.slice(index, index + 4);
    if (uid !== UID || volumes !== 'volumes' || !plugin.startsWith('kubernetes.io~')) continue;
    const known = plugin.slice('kubernetes.io~'.length);
    const isOne =
      known !== '' && [...known].every((letter) => 'abcdefghijklmnopqrstuvwxyz0123456789-'.includes(letter));
    return isOne && name !== '' ? { plugin: known, depth: index + 4 } : undefined;
  }
  return undefined;
}

/** The table of DESIGN.md, from top to bottom, with the exceptions that it makes. */
function slowKind(input: typeof facts extends fc.Arbitrary<infer T> ? T : never): VolumeKind {
  const { elements: names, type, magic, mountDepth, containerPath, dataRoot } = input;
  if (names[0] === 'proc' || names[0] === 'sys') return 'system';
  const volume = slowVolume(names);
  const isWhole = volume !== undefined && names.length === volume.depth;
  const mayBe = type === 'directory' || (!isWhole && (type === 'file' || type === 'socket' || type === 'fifo'));
  if (volume?.plugin === 'empty-dir' && mayBe) {
    if (magic === FS_MAGIC.HUGETLBFS) return 'hugepages';
    return magic === FS_MAGIC.TMPFS && mountDepth === volume.depth ? 'emptydir-memory' : 'emptydir';
  }
  if (['configmap', 'secret', 'projected', 'downward-api'].includes(volume?.plugin ?? '')) return 'config';
  if (containerPath === '/dev/shm') return 'shm';
  if (dataRoot !== undefined) return 'docker-volume';
  if (type === 'block') return 'block-device';
  if (type === 'character') return 'host-device';
  const inDev = names[0] === 'dev' && type === 'directory';
  return inDev && (magic === FS_MAGIC.DEVPTS || (mountDepth === 1 && names.length > 0)) ? 'host-device' : 'bind';
}

test(
  'the kind is that of the slow reference',
  fuzzed(facts, (input) => {
    const { elements: names, type, magic, containerPath, dataRoot } = input;
    const realPath = `/${names.join('/')}`;
    const mountDepth = Math.min(input.mountDepth, names.length);
    const mountPoint = `/${names.slice(0, mountDepth).join('/')}`;
    const volume = podVolumeAt(realPath, UID, []);
    const given: MountFacts = {
      hostPath: realPath,
      realPath,
      containerPath,
      type,
      filesystemMagic: magic,
      mountPoint,
      device: '8:1',
      node: undefined,
      volume: volume === undefined ? undefined : { ...volume, isMount: mountPoint === volume.directory },
      dataRoot,
      deleted: false,
    };
    assert.equal(KINDS.recognise(given, HOST).kind.kind, slowKind({ ...input, mountDepth }), JSON.stringify(given));
  }),
);

test(
  'a data root is that of a regular expression',
  fuzzed(
    fc.tuple(fc.array(fc.constantFrom('var', 'x', 'volumes', '10.20', 'volumesX', 'docker')), fc.boolean()),
    ([names, star]) => {
      const root = star ? '/var/*/docker' : '/var/docker';
      const pattern = star ? /^\/var\/[^/]+\/docker(\/\d+\.\d+)?\/volumes$/ : /^\/var\/docker(\/\d+\.\d+)?\/volumes$/;
      const directory = `/${names.join('/')}`;
      assert.equal(isVolumesOf(directory, root), pattern.test(directory), directory);
    },
  ),
);

let root = '';
before(() => {
  root = makeTemporary();
  fs.mkdirSync(path.join(root, 'kubelet/pods', UID, 'volumes/kubernetes.io~empty-dir/cache/a/b'), { recursive: true });
  fs.symlinkSync('kubelet', path.join(root, 'link'));
  fs.symlinkSync(path.join(root, 'kubelet/pods'), path.join(root, 'pods-link'));
});
after(() => removeTemporary(root));

const spelling = fc.tuple(
  fc.constantFrom('kubelet/pods', 'link/pods', 'pods-link', 'link/../kubelet/pods'),
  fc.constantFrom('', 'a', 'a/b'),
  fc.array(fc.tuple(fc.nat(12), fc.constantFrom('/', '/.', '/./')), { maxLength: 4 }),
  fc.constantFrom('', '/', '//', '/.'),
);

test(
  'however a path is written, it is the same volume',
  fuzzed(spelling, async ([pods, subPath, inserted, end]) => {
    const parts = [root, pods, UID, 'volumes', 'kubernetes.io~empty-dir', 'cache', subPath].join('/').split('/');
    for (const [at, what] of inserted) if (at > 0 && at < parts.length) parts[at] = `${what}/${parts[at]}`.slice(1);
    const { facts: found } = await gatherFacts(parts.join('/') + end, '/x', new Mounts(), HOST);
    const directory = path.join(root, 'kubelet/pods', UID, 'volumes/kubernetes.io~empty-dir/cache');
    assert.deepEqual(found.volume, { plugin: 'empty-dir', name: 'cache', directory, subPath, isMount: false });
  }),
);
