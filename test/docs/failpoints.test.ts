import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { STEPS } from '../../runtime/step-names.js';
import { DOCS } from './api-fields.js';
import { renderFailpoints } from './failpoints.js';

const ROOT = path.resolve(DOCS, '..');

test('docs/failpoints.md is made of the table of steps', () => {
  const squeezed = (text: string) => text.replace(/ +/g, ' ').replace(/-{3,}/g, '---');
  const now = readFileSync(path.join(DOCS, 'failpoints.md'), 'utf8');
  assert.ok(squeezed(now) === squeezed(renderFailpoints()), 'docs/failpoints.md is stale: run npm run docs');
});

test('every step of the table is one in the code', async () => {
  const { stdout } = await promisify(execFile)('git', ['ls-files', 'sandbox', 'runtime', 'volumes'], { cwd: ROOT });
  const files = stdout.split('\n').filter((file) => file.endsWith('.ts') && file !== 'runtime/step-names.ts');
  const code = files.map((file) => readFileSync(path.join(ROOT, file), 'utf8')).join('\n');
  const unused = Object.keys(STEPS).filter((name) => !code.includes(`'${name}'`));
  assert.deepEqual(unused, []);
});
