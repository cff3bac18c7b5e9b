import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import { makeDevice, makeNode } from '../../../runtime/linux/files.js';
import { hostDevices, resolveDevices } from '../../../runtime/spec/devices.js';

const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
let directory = '';

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-devices-'));
  await fs.mkdir(path.join(directory, 'sub/pts'), { recursive: true });
  await fs.mkdir(path.join(directory, 'empty'));
  makeNode(path.join(directory, 'null'), S_IFCHR | 0o600, makeDevice(1, 3));
  makeNode(path.join(directory, 'sub/disk'), S_IFBLK | 0o640, makeDevice(259, 70000));
  makeNode(path.join(directory, 'sub/pts/0'), S_IFCHR | 0o600, makeDevice(136, 0));
  await fs.symlink('null', path.join(directory, 'link'));
  await fs.writeFile(path.join(directory, 'file'), '');
});
after(() => fs.rm(directory, { recursive: true, force: true }));

const device = (name: string, containerPath = '/dev/x', permissions = 'rw') => [
  { hostPath: path.join(directory, name), containerPath, permissions },
];

async function refuses(devices: Parameters<typeof resolveDevices>[0], message: RegExp): Promise<void> {
  await assert.rejects(
    resolveDevices(devices),
    (error: unknown) => error instanceof CribError && error.code === 'INVALID_ARGUMENT' && message.test(error.message),
  );
}

it('finds one device, also behind a symlink', async () => {
  const expected = { path: '/dev/x', type: 'c', major: 1, minor: 3, fileMode: 0o600, uid: 0, gid: 0, access: 'rw' };
  assert.deepEqual(await resolveDevices(device('null')), [expected]);
  assert.deepEqual(await resolveDevices(device('link')), [expected]);
  const samePath = await resolveDevices(device('null', ''));
  assert.equal(samePath[0]?.path, path.join(directory, 'null'));
});

it('takes a directory for all devices below it', async () => {
  const found = await resolveDevices(device('', '/dev/all', 'm'));
  assert.deepEqual(
    found.map((entry) => [entry.path, entry.type, entry.major, entry.minor, entry.access]),
    [
      ['/dev/all/null', 'c', 1, 3, 'm'],
      ['/dev/all/sub/disk', 'b', 259, 70000, 'm'],
    ],
  );
});

it('names the field of what is no device', async () => {
  await refuses(device('none'), /config\.devices\[0\]\.host_path.*ENOENT/);
  await refuses(device('file'), /host_path.*not a device/);
  await refuses(device('empty'), /host_path.*no device/);
  await refuses(device('null', 'relative'), /container_path/);
  for (const permissions of ['', 'rr', 'x', 'rwmm']) await refuses(device('null', '', permissions), /permissions/);
});

it('lists the host’s devices without terminals and shared memory', async () => {
  const paths = (await hostDevices()).map((entry) => entry.path);
  assert.ok(paths.includes('/dev/null'));
  assert.ok(!paths.some((name) => /^\/dev\/(pts|shm|mqueue)\/|^\/dev\/(console|ptmx)$/.test(name)));
});
