import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { CONFIG_KEYS } from '../cri/cli/config.js';
import { ERROR_CODES } from '../runtime/errors.js';

const doc = (name: string) => readFile(path.resolve(import.meta.dirname, '../../docs', name), 'utf8');
const firstCells = (text: string) => [...text.matchAll(/^\| *`?([^`|]+?)`? *\|/gm)].map((match) => match[1] ?? '');

test('docs/errors.md lists the codes of runtime/errors.ts', async () => {
  const listed = firstCells(await doc('errors.md')).filter((cell) => /^[A-Z_]+$/.test(cell));
  assert.deepEqual(listed, [...ERROR_CODES]);
});

test('docs/configuration.md lists the keys of the configuration', async () => {
  const listed = firstCells(await doc('configuration.md')).filter((cell) => cell !== 'key' && !cell.startsWith('---'));
  assert.deepEqual(new Set(listed), new Set(Object.keys(CONFIG_KEYS)));
});
