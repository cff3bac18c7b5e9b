import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { API_FOLDER, generate } from '../../../../cri/api/generator/main.js';

test('generated files are not stale', () => {
  const folder = path.join(API_FOLDER, 'generated');
  const expected = generate();
  assert.deepEqual(fs.readdirSync(folder).sort(), [...expected.keys()].sort());
  for (const [name, text] of expected) {
    assert.ok(
      fs.readFileSync(path.join(folder, name), 'utf8') === text,
      `cri/api/generated/${name} is stale: run npm run generate`,
    );
  }
});
