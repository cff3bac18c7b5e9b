import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createEmptyDir } from '../../volumes/local.js';
import { parentOf } from '../../volumes/nested.js';
import { prepareVolumes } from '../../volumes/prepare.js';
import { GUEST, HOST, makeTemporary, mountOf, removeTemporary } from './fixture.js';
import { factsOf } from './kinds/facts-of.js';

let root = '';
let own = '';
let file = '';
before(async () => {
  root = makeTemporary();
  own = await createEmptyDir(root, HOST.podUid, 'own', { medium: '' });
  file = path.join(root, 'file');
  fs.writeFileSync(file, '');
});
after(() => removeTemporary(root));

const readonly = { readonly: true };
const nested = (parent: string, child: string, source = root, context = HOST) =>
  prepareVolumes([mountOf(parent, '/v', readonly), mountOf(source, `/v/${child}`)], context);

test('the nearest parent counts, by whole elements', () => {
  const parents = ['/a', '/a/b', '/ab'].map((containerPath) => ({
    facts: factsOf('/x', { containerPath }),
    readonly: true,
  }));
  const nearest = (containerPath: string) => parentOf(containerPath, parents)?.facts.containerPath;
  assert.equal(nearest('/a/b/c'), '/a/b');
  assert.equal(nearest('/a/c'), '/a');
  assert.equal(nearest('/abc'), undefined);
});

test("a missing mount point is made in a read-only volume of the pod's, for directories and files", async () => {
  await nested(own, 'new/deep');
  assert.equal(fs.statSync(path.join(own, 'new/deep')).isDirectory(), true);
  await nested(own, 'new/file', file);
  assert.equal(fs.statSync(path.join(own, 'new/file')).isFile(), true);
  await nested(own, 'new/deep');
});

test('nothing is made on the rest of the host, nor for a sandbox that makes its own', async () => {
  const shared = path.join(root, 'shared');
  fs.mkdirSync(path.join(shared, 'there'), { recursive: true });
  await nested(shared, 'there');
  await assert.rejects(nested(shared, 'missing'), {
    code: 'FAILED_PRECONDITION',
    message:
      /^config\.mounts\[1\]\.container_path: \/v\/missing is not there in the read-only volume .*shared: make it/,
  });
  await nested(shared, 'missing', root, GUEST);
  assert.deepEqual(fs.readdirSync(shared), ['there']);
});

test('a symlink that the container has made leads nowhere', async () => {
  const outside = path.join(root, 'outside');
  fs.mkdirSync(outside);
  fs.symlinkSync(outside, path.join(own, 'link'));
  await nested(own, 'link/made');
  assert.deepEqual(fs.readdirSync(outside), []);
});

test('a writable parent, and one between, leave it to the OCI runtime', async () => {
  await prepareVolumes([mountOf(own, '/v'), mountOf(root, '/v/writable')], HOST);
  const inner = path.join(root, 'inner');
  fs.mkdirSync(inner);
  const three = [mountOf(own, '/v', readonly), mountOf(inner, '/v/inner'), mountOf(root, '/v/inner/x')];
  await prepareVolumes(three, HOST);
  assert.equal(fs.existsSync(path.join(own, 'writable')), false);
  assert.deepEqual(fs.readdirSync(path.join(own, 'inner')), []);
});
