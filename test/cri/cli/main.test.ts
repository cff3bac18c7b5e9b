import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../cri/cli/main.js');

function crib(...words: string[]): { status: number | null; stderr: string; stdout: string } {
  const { status, stderr, stdout } = spawnSync(process.execPath, [MAIN, ...words], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status, stderr, stdout };
}

const WRONG: readonly (readonly [words: string[], status: number, message: RegExp])[] = [
  [['pss'], 2, /unknown command 'pss' \(Did you mean .*ps/],
  [['ps', '--wrong'], 2, /unknown option '--wrong'.*see crib --help/],
  [['logs'], 2, /missing required argument 'container'/],
  [['logs', 'x', '--tail', 'few'], 2, /must be a whole number/],
  [['exec', 'x'], 2, /missing required argument 'command'/],
  [['--connect', 'unix:///nowhere/crib.sock', 'pods'], 1, /no daemon answers at unix:\/\/\/nowhere.*crib serve/],
  [['pods', '--connect', 'here'], 1, /unix:\/\//],
  [['serve', '--listen', 'tcp://1.2.3.4:5'], 1, /listen tcp/],
  [['config', '--config', '/nowhere/c.toml'], 1, /\/nowhere\/c\.toml/],
  [['run', '/nowhere/pod.yaml'], 1, /\/nowhere\/pod\.yaml/],
];

for (const [words, status, message] of WRONG) {
  test(`crib ${words.join(' ')}: one line, exit code ${status}`, () => {
    const result = crib(...words);
    assert.equal(result.status, status);
    assert.match(result.stderr, message);
    assert.match(result.stderr, /^crib: [^\n]+\n$/);
    assert.equal(result.stdout, '');
  });
}

test('without a command there is help, and it is an error', () => {
  const { status, stderr } = crib();
  assert.equal(status, 2);
  assert.match(stderr, /Usage: crib/);
});

test('help and version are none', () => {
  assert.deepEqual([crib('--help').status, crib('ps', '--help').status, crib('--version').status], [0, 0, 0]);
});

test('the common options may stand before and behind the name of the command', () => {
  for (const words of [
    ['--json', 'config'],
    ['config', '--json'],
  ]) {
    assert.equal(JSON.parse(crib(...words).stdout).listen, 'unix:///run/crib/crib.sock');
  }
});

test('whoever reads may go early: that is no failure; a disk that is full is one, said in one line', async () => {
  const child = spawn(process.execPath, [MAIN, 'config'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (text) => {
    said += String(text);
  });
  assert.deepEqual([await once(child, 'close'), said], [[0, null], '']);
  const full = fs.openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(process.execPath, [MAIN, 'config'], { stdio: ['ignore', full, 'pipe'] });
  fs.closeSync(full);
  assert.equal(status, 1);
  assert.match(String(stderr), /^crib: writing to standard output: ENOSPC[^\n]*\n$/);
});

test('a message is one line, whatever is in it, and moves no cursor', (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-main-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'pod\n\x1b[2J.yaml');
  fs.writeFileSync(file, 'a: [\nb');
  const { status, stderr } = crib('run', file);
  assert.equal(status, 1);
  assert.match(stderr, /^crib: [^\p{Cc}]+\n$/u);
});
