import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { findBusybox, GuestVolumes, type GuestVolumesParts } from '../../../sandbox/gvisor/guest-volumes.js';
import type { PodRecord } from '../../../sandbox/pod-record.js';
import { createEmptyDir } from '../../../volumes/local.js';
import { createConfigVolume } from '../../../volumes/local-config.js';
import { recordingLog } from '../../support/log.js';
import { podRecord } from '../../support/records.js';
import { makeTemporary, removeTemporary } from '../../volumes/fixture.js';

function stage(t: TestContext, change: Partial<GuestVolumesParts> = {}) {
  const root = makeTemporary();
  t.after(() => removeTemporary(root));
  const state = path.join(root, 'state');
  const pods = path.join(root, 'pods');
  for (const directory of [state, pods]) fs.mkdirSync(directory);
  const calls: string[] = [];
  const make = () =>
    new GuestVolumes({
      directoryOf: () => state,
      podRoots: [pods],
      copyLimits: { bytes: 1024, entries: 8 },
      busybox: '/bin/busybox',
      shell: async ({ id }) => {
        calls.push(id);
        return '';
      },
      log: recordingLog().log,
      ...change,
    });
  const base = podRecord('pod');
  const metadata = { ...base.config.metadata, uid: 'uid' };
  const pod: PodRecord = { ...base, config: { ...base.config, metadata } };
  return { pods, make, calls, pod };
}

test('settles emptyDirs and configMaps; the root container gets hints, copies and busybox', async (t) => {
  const { pods, make, pod } = stage(t);
  const scratch = await createEmptyDir(pods, 'uid', 'scratch', { medium: 'Memory', sizeLimitBytes: 8 << 20 });
  const settings = await createConfigVolume(pods, 'uid', 'settings', { one: '1' });
  const volumes = make();
  const { annotations, mounts } = await volumes.settle(pod);
  assert.equal(annotations['dev.gvisor.spec.mount.volume0.source'], scratch);
  assert.match(annotations['dev.gvisor.spec.mount.volume0.options'] ?? '', /size=8388608/);
  assert.equal(annotations['dev.gvisor.spec.mount.volume1.source'], '/crib/volumes/1');
  assert.deepEqual(
    mounts.map(({ destination, source }) => [destination, source]),
    [
      ['/crib/volumes/1', '/crib/volumes/1'],
      ['/bin/busybox', '/bin/busybox'],
    ],
  );
  assert.deepEqual([volumes.obstacle(pod, scratch), volumes.obstacle(pod, settings)], [undefined, undefined]);
  assert.match(volumes.obstacle(pod, path.join(pods, 'uid/later')) ?? '', /not there when the sandbox was made/);
  assert.match(volumes.obstacle(pod, '/elsewhere/uid/v') ?? '', /volumes\.kubelet_roots/);
  volumes.close();
});

test('what stays outside says why: no busybox, too large, files already there', async (t) => {
  const { pods, make, pod } = stage(t, { busybox: '' });
  const small = await createConfigVolume(pods, 'uid', 'small', { one: '1' });
  const used = await createEmptyDir(pods, 'uid', 'used', { medium: '' });
  fs.writeFileSync(path.join(used, 'file'), '');
  const without = make();
  assert.deepEqual(await without.settle(pod), { annotations: {}, mounts: [] });
  assert.match(without.obstacle(pod, small) ?? '', /busybox-static/);
  assert.match(without.obstacle(pod, used) ?? '', /had files/);
  const other = stage(t);
  const large = await createConfigVolume(other.pods, 'uid', 'large', { one: 'x'.repeat(2000) });
  const volumes = other.make();
  await volumes.settle(other.pod);
  assert.match(volumes.obstacle(other.pod, large) ?? '', /larger than 1024 bytes/);
});

test('the size that the manifest declares is the size in the sandbox, where the directory tells none', async (t) => {
  const { pods, make, pod } = stage(t, { declaredSize: async (_pod, name) => (name === 'disk' ? 4096 : undefined) });
  await createEmptyDir(pods, 'uid', 'disk', { medium: '' });
  await createEmptyDir(pods, 'uid', 'other', { medium: '' });
  const { annotations } = await make().settle(pod);
  assert.match(annotations['dev.gvisor.spec.mount.volume0.options'] ?? '', /,size=4096$/);
  assert.doesNotMatch(annotations['dev.gvisor.spec.mount.volume1.options'] ?? '', /size/);
});

test('what a crashed sentry left goes before the next use and at release', async (t) => {
  const { pods, make, pod } = stage(t);
  const disk = await createEmptyDir(pods, 'uid', 'disk', { medium: '' });
  const file = path.join(disk, '.gvisor.filestore.old');
  fs.writeFileSync(file, 'x');
  const volumes = make();
  await volumes.settle(pod);
  assert.equal(fs.existsSync(file), false);
  assert.equal(volumes.obstacle(pod, disk), undefined);
  fs.writeFileSync(path.join(disk, `.gvisor.filestore.${pod.id}`), 'x');
  await volumes.release(pod);
  assert.deepEqual(fs.readdirSync(disk), []);
  fs.rmSync(path.join(pods, 'uid'), { recursive: true });
  await volumes.release(pod);
});

test('a new daemon knows what was settled, and follows the copies again', async (t) => {
  const { pods, make, pod, calls } = stage(t);
  const settings = await createConfigVolume(pods, 'uid', 'settings', { one: '1' });
  const first = make();
  await first.settle(pod);
  await first.follow(pod);
  first.close();
  const second = make();
  const before = calls.length;
  await second.follow(pod);
  assert.notEqual(calls.length, before);
  assert.equal(second.obstacle(pod, settings), undefined);
  second.close();
});

test('a file that is missing or broken is reported, not guessed at', async (t) => {
  const { make, pod } = stage(t);
  await assert.rejects(make().follow(pod), { code: 'DATA_LOSS' });
});

test('a busybox that needs libraries is none', async () => {
  assert.equal(await findBusybox([process.execPath, '/nowhere']), '');
});
