import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MS } from '../../../runtime/linux/constants.js';
import { mount } from '../../../runtime/linux/mounts.js';
import { ExecFiles } from '../../../sandbox/kept/exec-files.js';

test('each exec has files of its own in the bundle, and removes those that were made', () => {
  const bundle = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-files-'));
  const [one, two] = [new ExecFiles(bundle), new ExecFiles(bundle)];
  const all = [one, two].flatMap(({ pidFile, processFile, log, consoleName }) => [
    pidFile,
    processFile,
    log,
    path.join(bundle, consoleName),
  ]);
  assert.equal(new Set(all).size, 8);
  for (const file of all) assert.equal(path.dirname(file), bundle);
  for (const file of all.slice(0, 6)) fs.writeFileSync(file, '');
  one.remove();
  one.remove();
  assert.equal(fs.readdirSync(bundle).length, 2);
  two.remove();
  assert.deepEqual(fs.readdirSync(bundle), []);
  fs.rmdirSync(bundle);
});

test('what a killed runtime leaves of itself goes with its exec, and that of another one stays', () => {
  const bundle = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-files-'));
  const [one, two] = [new ExecFiles(bundle), new ExecFiles(bundle)];
  const copies = [one, two].map((files) => {
    const { PATH, ...rest } = files.environment({ PATH: '/bin' });
    assert.equal(PATH, '/bin');
    const copy = path.join(Object.values(rest)[0] ?? '', 'crun.aaaaaa');
    fs.writeFileSync(copy, '');
    mount(process.execPath, copy, '', MS.BIND, '');
    return copy;
  });
  one.remove();
  assert.deepEqual(
    copies.map((copy) => fs.existsSync(copy)),
    [false, true],
  );
  two.remove();
  assert.deepEqual(fs.readdirSync(bundle), []);
  fs.rmdirSync(bundle);
});
