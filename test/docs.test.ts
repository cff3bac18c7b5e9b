import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { CONFIG_KEYS } from '../cri/cli/config.js';
import { VOLUME_POLICY_KEYS } from '../cri/cli/config-volumes.js';
import { ERROR_CODES } from '../runtime/errors.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const doc = (name: string) => readFile(path.join(ROOT, 'docs', name), 'utf8');
const firstCells = (text: string) => [...text.matchAll(/^\| *`?([^`|]+?)`? *\|/gm)].map((match) => match[1] ?? '');

test('docs/errors.md lists the codes of runtime/errors.ts', async () => {
  const listed = firstCells(await doc('errors.md')).filter((cell) => /^[A-Z_]+$/.test(cell));
  assert.deepEqual(listed, [...ERROR_CODES]);
});

test('docs/configuration.md lists the keys of the configuration', async () => {
  const listed = firstCells(await doc('configuration.md')).filter(
    (cell) => !cell.startsWith('key') && !cell.startsWith('---'),
  );
  assert.deepEqual(new Set(listed), new Set([...Object.keys(CONFIG_KEYS), ...VOLUME_POLICY_KEYS]));
});

test('decisions have a number each, which is that of their title', async () => {
  const names = await readdir(path.join(ROOT, 'docs', 'adr'));
  const numbers = names.map((name) => name.slice(0, 3)).sort();
  assert.deepEqual(numbers, [...new Set(numbers)]);
  for (const name of names) assert.match(await doc(`adr/${name}`), new RegExp(`^# ${name.slice(0, 3)} `));
});

test('files that the documents and comments name are there', async () => {
  const { stdout } = await promisify(execFile)('git', ['ls-files'], { cwd: ROOT, maxBuffer: 1 << 24 });
  const files = stdout.split('\n').filter((file) => /\.(md|ts|sh)$/.test(file));
  const decisions = new Set((await readdir(path.join(ROOT, 'docs', 'adr'))).map((name) => name.slice(0, 3)));
  const wrong: string[] = [];
  for (const file of files) {
    const text = await readFile(path.join(ROOT, file), 'utf8').catch(() => '');
    for (const [, number = ''] of text.matchAll(/docs\/adr\/(\d{3})/g)) {
      if (!decisions.has(number)) wrong.push(`${file}: docs/adr/${number}`);
    }
    if (!file.endsWith('.md')) continue;
    for (const [, link = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const target = path.join(ROOT, path.dirname(file), link);
      await access(target).catch(() => wrong.push(`${file}: ${link}`));
    }
  }
  assert.deepEqual(wrong, []);
});

test('the commands that the README names are there', async () => {
  const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  const readme = await readFile(path.join(ROOT, 'README.md'), 'utf8');
  const named = [...readme.matchAll(/npm (?:run )?([a-z]+)/g)].map((match) => match[1] ?? '');
  assert.ok(named.includes('demo') && named.includes('test'));
  assert.deepEqual(
    named.filter((name) => !(name in scripts)),
    [],
  );
});
