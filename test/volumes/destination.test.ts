import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { checkDestination } from '../../volumes/destination.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let root = '';
before(() => {
  root = makeTemporary();
  fs.mkdirSync(path.join(root, 'etc/dir'), { recursive: true });
  fs.writeFileSync(path.join(root, 'etc/file'), '');
  fs.symlinkSync('/etc/dir', path.join(root, 'to-dir'));
  fs.symlinkSync('../../../../etc/file', path.join(root, 'to-file'));
  fs.symlinkSync('loop', path.join(root, 'loop'));
});
after(() => removeTemporary(root));

const check = (containerPath: string, directory: boolean, others: readonly string[] = []) =>
  checkDestination(root, containerPath, directory, others, 'config.mounts[7]');

test('a directory goes onto a directory, a file onto a file; symlinks are those of the image', async () => {
  await check('/etc/dir', true);
  await check('/etc/file', false);
  await check('/to-dir', true);
  await check('/to-file', false);
});

test('the other way round is refused with the field', async () => {
  for (const [at, directory, what] of [
    ['/etc/dir', false, 'a directory in the image, and the source of the mount is a file'],
    ['/etc/file', true, 'a file in the image, and the source of the mount is a directory'],
    ['/to-dir', false, 'a directory in the image'],
    ['/to-file', true, 'a file in the image'],
  ] as const) {
    await assert.rejects(check(at, directory), {
      code: 'FAILED_PRECONDITION',
      message: new RegExp(`^config\\.mounts\\[7\\]\\.container_path: ${at} is ${what}`),
    });
  }
});

test('what is not there, cannot be resolved, or lies below another mount is for the OCI runtime', async () => {
  await check('/etc/new', true);
  await check('/etc/file/below', true);
  await check('/loop', true);
  await check('/etc/dir', false, ['/etc/dir', '/etc']);
  await assert.rejects(check('/etc/dir', false, ['/etc/dir', '/et', '/etc/dir/sub']));
  await checkDestination('', '/etc/dir', false, [], 'config.mounts[0]');
});
