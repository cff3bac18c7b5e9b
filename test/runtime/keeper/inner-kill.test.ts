import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Children } from '../../../runtime/keeper/children.js';
import { killInner } from '../../../runtime/keeper/inner-kill.js';

test('the command gets the pid that the file holds; without one nothing is run', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-inner-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const pidFile = path.join(directory, 'pid');
  const told = path.join(directory, 'told');
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
  const kill = { argv: ['sh', '-c', 'echo "$1" >>"$2"', 'sh', 'pid {pid}', told], pidFile, env };
  const children = new Children(1024n);
  await killInner(kill, children);
  for (const text of ['', '0', '-1', 'x', '7 8']) {
    fs.writeFileSync(pidFile, text);
    await killInner(kill, children);
  }
  assert.equal(fs.existsSync(told), false);
  fs.writeFileSync(pidFile, '7\n');
  await killInner(kill, children);
  assert.equal(fs.readFileSync(told, 'utf8'), 'pid 7\n');
});
