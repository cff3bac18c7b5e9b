import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FS_MAGIC } from '../../runtime/linux/constants.js';
import { decide, isIdMapped } from '../../volumes/decide.js';
import { noteSizeLimit } from '../../volumes/size-limit.js';
import type { DeclaredVolume, MountFacts, VolumeContext } from '../../volumes/types.js';
import { GUEST, HOST, makeTemporary, mountOf, removeTemporary } from './fixture.js';
import { factsOf, kubeletVolume } from './kinds/facts-of.js';

const path = kubeletVolume('empty-dir', 'cache');
const decideOn = (
  context: VolumeContext,
  facts: MountFacts = factsOf(path),
  more: Parameters<typeof mountOf>[2] = {},
) => decide(mountOf(path, '/data', more), facts, context, new Set());
const declaring = (volume: DeclaredVolume | undefined, context = GUEST) => ({
  ...context,
  declared: async () => volume,
});
const emptyDir = (medium: string, sizeLimitBytes?: number): DeclaredVolume => ({
  type: 'emptyDir',
  emptyDir: { medium, sizeLimitBytes },
});

test('a decision tells what serves the volume, and which volume of the pod it is', async () => {
  const decision = await decideOn(HOST);
  assert.equal(decision.driver, 'bind mount');
  assert.equal(decision.volume?.name, 'cache');
  assert.equal(decision.realPath, path);
  const drivers = { 'guest-local': 'tmpfs of the sentry' };
  const guest = { ...GUEST, capabilities: { ...GUEST.capabilities, drivers } };
  assert.equal((await decideOn(guest)).driver, 'tmpfs of the sentry');
});

test('what the manifest says of an emptyDir wins over its path, in a sandbox that keeps it', async () => {
  assert.equal((await decideOn(declaring(emptyDir('', 4096)))).sizeLimitBytes, 4096);
  const memory = await decideOn(declaring(emptyDir('Memory', 8192)));
  assert.deepEqual([memory.kind, memory.sizeLimitBytes], ['emptydir-memory', 8192]);
  assert.match(memory.reason, /declares "cache" with the medium Memory, though no tmpfs/);
  const other = await decideOn(declaring({ type: 'hostPath', emptyDir: undefined }));
  assert.equal(other.kind, 'bind');
  assert.match(other.reason, /declares "cache" as hostPath/);
});

test('where the manifest cannot be had the facts decide', async () => {
  const decision = await decideOn(declaring(undefined));
  assert.deepEqual([decision.kind, decision.sizeLimitBytes], ['emptydir', undefined]);
});

test('the manifest is not asked for what it need not tell', async () => {
  const asked: string[] = [];
  const declared = async (name: string) => {
    asked.push(name);
    return undefined;
  };
  await decideOn({ ...HOST, declared });
  const memory = { filesystemMagic: FS_MAGIC.TMPFS, mountPoint: path, realPath: '/dev/shm' };
  await decideOn({ ...GUEST, declared }, { ...factsOf(path, { mountPoint: path }), ...memory });
  await decideOn({ ...GUEST, declared }, factsOf(kubeletVolume('configmap')));
  await decideOn({ ...GUEST, declared }, factsOf('/srv'));
  assert.deepEqual(asked, []);
  await decideOn({ ...GUEST, declared });
  assert.deepEqual(asked, ['cache']);
});

test('an overlay goes over writable directories of the kinds that the policy names, and over nothing else', async () => {
  const context = { ...HOST, policy: { ...HOST.policy, overlay: ['bind'] as const } };
  const over = await decideOn(context, factsOf('/srv'));
  assert.equal(over.overlay, true);
  assert.equal(over.driver, 'overlay, bind mount');
  assert.match(over.reason, /writes go to a layer of the container$/);
  assert.equal((await decideOn(context, factsOf('/srv'), { readonly: true })).overlay, undefined);
  assert.equal((await decideOn(context, factsOf('/srv/file', { type: 'file' }))).overlay, undefined);
  assert.equal((await decideOn(context)).overlay, undefined, 'an emptyDir');
  assert.equal((await decideOn({ ...GUEST, policy: context.policy }, factsOf('/srv'))).overlay, true);
});

test('a deleted directory is told', async () => {
  assert.match((await decideOn(HOST, factsOf('/srv', { deleted: true }))).reason, /, which has been deleted; /);
});

test('an image volume has its ids from its layers', () => {
  const uidMappings = [{ hostId: 1, containerId: 0, length: 1 }];
  assert.equal(isIdMapped({ uidMappings, image: undefined }), true);
  assert.equal(isIdMapped({ uidMappings, image: { image: 'x', userSpecifiedImage: '', annotations: {} } }), false);
});

test('the limit that crib run noted at the directory is known without asking, on the host too', async (t) => {
  const directory = makeTemporary();
  t.after(() => removeTemporary(directory));
  noteSizeLimit(directory, 4096);
  const facts = factsOf(path);
  assert.ok(facts.volume);
  const noted = { ...facts, volume: { ...facts.volume, directory } };
  assert.equal((await decideOn(HOST, noted)).sizeLimitBytes, 4096);
  const declared = () => Promise.reject(new Error('the manifest was asked'));
  assert.equal((await decideOn({ ...GUEST, declared }, noted)).sizeLimitBytes, 4096);
});
