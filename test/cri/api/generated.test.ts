/** The committed code is what the generator makes of the protos, and loads nothing but protobufjs/minimal. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { API_FOLDER, generate } from '../../../cri/api/generator/main.js';

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

test('the codecs load neither reflection nor long', () => {
  const index = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../cri/api/generated/index.js');
  const script = `
    import { createRequire } from 'node:module';
    await import(${JSON.stringify(index)});
    const loaded = Object.keys(createRequire(${JSON.stringify(index)}).cache);
    console.log(loaded.filter((name) => /protobufjs.src.(parse|root|type|decoder)\\.js$/.test(name)).join());`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
  assert.equal(output.toString().trim(), '');
});
