import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { flatKey, isGone, parseNumber, readControl, writeControl, writeErrno } from '../../../runtime/cgroups/files.js';

let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-control-'));
});
after(() => fs.rmSync(directory, { recursive: true }));

const openHere = () => fs.readdirSync('/proc/self/fd').length;

function file(name: string, text: string): string {
  const at = path.join(directory, name);
  fs.writeFileSync(at, text);
  return at;
}

test('a file is read to its end, however long; beyond 4 MiB it is none of these', async () => {
  const before = openHere();
  for (const length of [0, 1, 2047, 2048, 8191, 8192, 8193, 100_000, (4 << 20) - 1]) {
    assert.equal((await readControl(file('long', 'x'.repeat(length))))?.length, length);
  }
  await assert.rejects(readControl(file('long', 'x'.repeat((4 << 20) + 1))), {
    code: 'DATA_LOSS',
    message: /long: more than/,
  });
  assert.ok((await readControl('/proc/self/mountinfo'))?.endsWith('\n'), 'one whose size the kernel does not tell');
  assert.equal(openHere(), before);
});

test('what is not there is undefined, what cannot be read is an error', async () => {
  assert.equal(await readControl(path.join(directory, 'none')), undefined);
  assert.equal(await readControl(path.join(file('plain', ''), 'below')), undefined);
  await assert.rejects(readControl(directory), { code: 'EISDIR' });
  assert.equal(isGone({ code: 'ENOENT' }), false, 'only an error of a system call tells');
});

test('a control file is written, never made, and no symlink is followed', async () => {
  const before = openHere();
  const there = file('there', 'before');
  await writeControl(there, 'after!');
  assert.equal(fs.readFileSync(there, 'utf8'), 'after!');
  const link = path.join(directory, 'link');
  fs.symlinkSync(there, link);
  for (const [at, errno] of [
    [path.join(directory, 'none'), 'ENOENT'],
    [link, 'ELOOP'],
    [directory, 'EISDIR'],
    ['/dev/full', 'ENOSPC'],
  ] as const) {
    const failure = await writeControl(at, 'max').then(
      () => assert.fail(),
      (error: unknown) => error,
    );
    assert.equal(writeErrno(failure), errno);
    assert.match(String(failure), new RegExp(`writing "max" to ${at}: .*${errno}`));
  }
  assert.equal(writeErrno(new Error('of something else')), undefined);
  assert.equal(fs.existsSync(path.join(directory, 'none')), false);
  assert.equal(fs.readFileSync(there, 'utf8'), 'after!');
  assert.equal(openHere(), before);
});

test('numbers as the kernel writes them', () => {
  assert.deepEqual(['12\n', '0\n', ' 7 ', '18446744073709551615\n'].map(parseNumber), [12, 0, 7, 2 ** 64]);
  for (const text of [undefined, '', '\n', 'max\n', 'max 100000\n', 'NaN', 'Infinity']) {
    assert.equal(parseNumber(text), undefined, String(text));
  }
});

test('a key is the whole word at the beginning of a line', () => {
  const text = 'nr_oom_kill 1\noom_kill 5\noom 3\noom_kill_group 9\nlast 18014398509481984';
  assert.deepEqual(
    ['oom_kill', 'oom', 'nr_oom_kill', 'last', 'kill', 'group', ''].map((key) => flatKey(text, key)),
    [5, 3, 1, 18_014_398_509_481_984, 0, 0, 0],
  );
  assert.deepEqual(
    [flatKey(undefined, 'oom'), flatKey('', 'oom'), flatKey('oom', 'oom'), flatKey('oom x', 'oom')],
    [0, 0, 0, 0],
  );
});
