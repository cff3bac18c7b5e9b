import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import { loadLocalhostSeccomp } from '../../../../runtime/spec/seccomp/localhost.js';
import { security } from '../inputs.js';

let directory = '';
before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-seccomp-'));
});
after(() => fs.rm(directory, { recursive: true, force: true }));

const load = (file: string, privileged = false) =>
  loadLocalhostSeccomp({ ...security, privileged, seccomp: { type: 'localhost', localhostRef: file } });

const precondition = (message: RegExp) => (error: unknown) =>
  error instanceof CribError && error.code === 'FAILED_PRECONDITION' && message.test(error.message);

describe('a localhost profile', () => {
  it('is read from its file', async () => {
    const file = path.join(directory, 'good.json');
    await fs.writeFile(file, '{"defaultAction":"SCMP_ACT_ALLOW"}');
    assert.deepEqual(await load(file), { defaultAction: 'SCMP_ACT_ALLOW' });
    assert.deepEqual(await load(`localhost/${file}`), { defaultAction: 'SCMP_ACT_ALLOW' });
    assert.equal(await load(file, true), undefined);
    assert.equal(await loadLocalhostSeccomp(security), undefined);
  });

  it('is refused when missing, too large, no file, or not JSON', async () => {
    await assert.rejects(load(path.join(directory, 'none')), precondition(/does not exist/));
    await assert.rejects(load(directory), precondition(/not a regular file/));
    const file = path.join(directory, 'bad.json');
    await fs.writeFile(file, '{');
    await assert.rejects(load(file), precondition(/not JSON/));
    await fs.truncate(file, 2 ** 30);
    await assert.rejects(load(file), precondition(/bytes/));
    await assert.rejects(load('relative.json'), /INVALID_ARGUMENT|not an absolute path/);
  });
});
