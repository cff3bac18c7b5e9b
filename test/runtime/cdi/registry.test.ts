import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { editsFor, readRegistry } from '../../../runtime/cdi/registry.js';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-cdi-'));
const [etc, run] = [path.join(root, 'etc'), path.join(root, 'run')];

beforeEach(() => {
  for (const directory of [etc, run]) {
    fs.rmSync(directory, { recursive: true, force: true });
    fs.mkdirSync(directory);
  }
});
after(() => fs.rmSync(root, { recursive: true }));

function write(file: string, names: readonly string[], value: string): void {
  const devices = names.map((name) => ({ name, containerEdits: { env: [`DEVICE_${name}=${value}`] } }));
  const spec = { cdiVersion: '0.6.0', kind: 'v.com/c', devices, containerEdits: { env: [`ALL=${value}`] } };
  fs.writeFileSync(file, JSON.stringify(spec));
}

const env = async (...names: string[]) =>
  editsFor(await readRegistry([etc, run, path.join(root, 'missing')]), names).flatMap((edits) => edits.env);

test('the later directory has a device that both have; what is for all devices of a file comes once', async () => {
  write(path.join(etc, 'a.json'), ['x', 'y'], 'etc');
  write(path.join(run, 'b.json'), ['y', 'z'], 'run');
  assert.deepEqual(await env('v.com/c=x'), ['ALL=etc', 'DEVICE_x=etc']);
  assert.deepEqual(await env('v.com/c=y', 'v.com/c=z'), ['ALL=run', 'DEVICE_y=run', 'DEVICE_z=run']);
});

test('a device that two files of one directory have is nobody’s', async () => {
  write(path.join(etc, 'a.json'), ['x'], 'a');
  write(path.join(etc, 'b.json'), ['x'], 'b');
  await assert.rejects(env('v.com/c=x'), { code: 'FAILED_PRECONDITION', message: /a\.json and in .*b\.json/ });
  write(path.join(run, 'c.json'), ['x'], 'c');
  assert.deepEqual(await env('v.com/c=x'), ['ALL=c', 'DEVICE_x=c']);
});

test('an unknown device is said with what there is, and with the files that cannot be used', async () => {
  write(path.join(etc, 'a.json'), ['x'], 'a');
  fs.writeFileSync(path.join(etc, 'broken.yaml'), 'kind: [');
  fs.writeFileSync(path.join(etc, 'ignored.txt'), '');
  await assert.rejects(env('v.com/c=nope'), {
    code: 'NOT_FOUND',
    message: /v\.com\/c=nope is not on this host; there are: v\.com\/c=x; files that cannot be used: .*broken\.yaml/,
  });
  await assert.rejects(env('other/kind=x'), { code: 'NOT_FOUND', message: /nothing of kind other\/kind is there/ });
});

test('a file that others may write is not used: its hooks would be run as root', async () => {
  write(path.join(etc, 'a.json'), ['x'], 'a');
  fs.chmodSync(path.join(etc, 'a.json'), 0o666);
  await assert.rejects(env('v.com/c=x'), { code: 'NOT_FOUND', message: /must be of root and not writable by others/ });
});
