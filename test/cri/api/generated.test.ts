/** The committed code loads nothing but protobufjs/minimal. That it is what the generator makes, is in generator/main.test.ts. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

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
