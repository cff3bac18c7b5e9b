import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { writeExecProcess } from '../../../sandbox/kept/exec-process.js';

let bundle = '';
const file = () => path.join(bundle, 'process.json');
before(() => {
  bundle = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-exec-'));
});
after(() => fs.rmSync(bundle, { recursive: true }));

test('everything but the command and the terminal is as the container has it', async () => {
  const process = { user: { uid: 5, additionalGids: [7] }, env: ['A=b'], args: ['init'], terminal: true, cwd: '/' };
  fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify({ process, root: {} }));
  await writeExecProcess(bundle, file(), ['ls', '-l'], false);
  assert.deepEqual(JSON.parse(fs.readFileSync(file(), 'utf8')), { ...process, args: ['ls', '-l'], terminal: false });
});

test('a specification without a process is no specification', async () => {
  fs.writeFileSync(path.join(bundle, 'config.json'), '[]');
  await assert.rejects(writeExecProcess(bundle, file(), ['ls'], false), { code: 'INTERNAL' });
});
