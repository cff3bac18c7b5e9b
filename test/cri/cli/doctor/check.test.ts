import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { nearestExisting, program, readText, which } from '../../../../cri/cli/doctor/check.js';

function directoryOf(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-check-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  return directory;
}

test('a program is the first file of its name that can be executed', async (t) => {
  const root = directoryOf(t);
  const places = ['text', 'directory', 'dangling', 'program', 'later'].map((name) => path.join(root, name));
  for (const place of places) fs.mkdirSync(place);
  fs.writeFileSync(path.join(root, 'text/tool'), '', { mode: 0o644 });
  fs.mkdirSync(path.join(root, 'directory/tool'));
  fs.symlinkSync('nowhere', path.join(root, 'dangling/tool'));
  fs.writeFileSync(path.join(root, 'program/tool'), '', { mode: 0o755 });
  fs.symlinkSync('../program/tool', path.join(root, 'later/tool'));
  assert.equal(await which('tool', places), path.join(root, 'program/tool'));
  assert.equal(await which('tool', [path.join(root, 'later')]), path.join(root, 'later/tool'));
  assert.equal(await which('tool', places.slice(0, 3)), undefined);
  assert.equal(await which('tool', [path.join(root, 'none')]), undefined);
});

test('the system’s directories are looked in also where the PATH has been emptied', async (t) => {
  const { PATH } = process.env;
  t.after(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = '';
  assert.match((await which('sh')) ?? '', /^\/(?:usr\/)?bin\/sh$/);
});

test('what is missing is told with the package that brings it', async () => {
  assert.deepEqual(await program('crib-has-no-such-tool', 'its-package', 'for the test'), {
    ...{ what: 'crib-has-no-such-tool', state: 'missing', detail: 'for the test' },
    mend: 'apt-get install its-package',
  });
  const { state, detail, mend } = await program('sh', 'dash', 'a shell');
  assert.deepEqual([state, mend], ['ok', '']);
  assert.match(detail, /\/sh: a shell$/);
});

test('a directory that is still to be made is looked at where it will be', async (t) => {
  const root = directoryOf(t);
  assert.equal(await nearestExisting(path.join(root, 'not/there/yet')), root);
  assert.equal(await nearestExisting(root), root);
  assert.equal(await nearestExisting('/no-such-directory-of-crib/x'), '/');
});

test('a setting is read without its newline, one that is not there is not known', async (t) => {
  const root = directoryOf(t);
  fs.writeFileSync(path.join(root, 'setting'), '1\n');
  assert.equal(await readText(path.join(root, 'setting')), '1');
  assert.equal(await readText(path.join(root, 'none')), undefined);
  assert.equal(await readText(root), undefined);
});
