import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import { ExecFiles, type ExecPlace } from '../../../sandbox/kept/exec-files.js';
import { endLeftCommand } from '../../../sandbox/kept/left-command.js';

const DIED = new CribError('UNAVAILABLE', 'the connection to the keeper ended');

test('only a command of a dead keeper is killed in its own kernel, by the pid that it has there', async (t) => {
  const bundle = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-left-'));
  t.after(() => fs.rmSync(bundle, { recursive: true }));
  const killed: string[] = [];
  const run = async (argv: readonly string[]) => {
    killed.push(argv.join(' '));
    throw new Error('no such process');
  };
  const place = { innerKill: { argv: ['kill', '--pid', '{pid}'] }, runtime: { run } } as unknown as ExecPlace;
  const files = new ExecFiles(bundle);
  await endLeftCommand(DIED, place, files);
  fs.writeFileSync(files.innerPidFile, '17\n');
  await endLeftCommand(new CribError('CANCELLED', 'the client went'), place, files);
  await endLeftCommand(DIED, { ...place, innerKill: undefined } as unknown as ExecPlace, files);
  assert.deepEqual(killed, []);
  await endLeftCommand(DIED, place, files);
  assert.deepEqual(killed, ['kill --pid 17']);
});
