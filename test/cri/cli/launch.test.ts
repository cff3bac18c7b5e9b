import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

const BUNDLES = path.resolve(import.meta.dirname, '../../../bundle');
const CRIB = path.resolve(import.meta.dirname, '../../../../cri/cli/crib');

let directory: string;
const main = () => path.join(directory, 'cribd-main.js');
const cache = () => `${main()}.cache`;

/** The launcher as it was built, with a program of the test's in place of crib. */
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-launch-'));
  for (const name of ['cribd.js', 'package.json']) {
    fs.copyFileSync(path.join(BUNDLES, name), path.join(directory, name));
  }
});
afterEach(() => fs.rmSync(directory, { recursive: true }));

/** Writes `text` as a program that is older than whatever comes after. */
function program(text: string): void {
  fs.writeFileSync(main(), text);
  const past = new Date(Date.now() - 60_000);
  fs.utimesSync(main(), past, past);
}

function launch(env: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
  return spawnSync(process.execPath, [path.join(directory, 'cribd.js'), ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });
}

const writeCache = () => launch({ CRIB_WRITE_CODE_CACHE: '1' });

test('the program has what a module has, its arguments and its exit code', () => {
  program(`
    const fs = require('node:fs');
    fs.writeSync(1, JSON.stringify([process.argv.slice(2), __filename, __dirname, typeof exports, typeof module]));
    process.exitCode = 7;
  `);
  const { status, stdout } = launch({}, ['serve', '--root']);
  assert.equal(status, 7);
  assert.deepEqual(JSON.parse(stdout), [['serve', '--root'], main(), directory, 'object', 'object']);
});

test('an error says where in the program it was', () => {
  program('\n\nfunction fail() {\n  throw new Error("as it should");\n}\nfail();\n');
  for (const run of [launch, writeCache, launch]) {
    const { status, stderr } = run();
    assert.notEqual(status, 0);
    assert.match(stderr, /as it should[\s\S]*at fail \([^)]*cribd-main\.js:4:9\)/);
  }
});

test('a cache that is older than the program, or broken, changes nothing', () => {
  program('process.stdout.write("one");');
  assert.equal(writeCache().stdout, 'one');
  const made = fs.readFileSync(cache());
  assert.equal(launch().stdout, 'one');
  for (const bytes of [Buffer.alloc(0), Buffer.from('no cache'), made.subarray(0, made.length / 2)]) {
    fs.writeFileSync(cache(), bytes);
    assert.equal(launch().stdout, 'one', `${bytes.length} bytes`);
  }
  fs.writeFileSync(cache(), made);
  fs.writeFileSync(main(), 'process.stdout.write("two");'); // as long
  const future = new Date(Date.now() + 60_000);
  fs.utimesSync(main(), future, future);
  assert.equal(launch().stdout, 'two');
});

test('the build has written a cache that crib starts with', () => {
  const flags = /exec node (.*) "\$bundle"/.exec(fs.readFileSync(CRIB, 'utf8'))?.[1]?.split(' ') ?? [];
  const built = path.join(BUNDLES, 'cribd-main.js');
  assert.ok(fs.statSync(`${built}.cache`).mtimeMs >= fs.statSync(built).mtimeMs);
  // The source that V8 asks for is told by its length alone.
  const { length } = '(function (exports, require, module, __filename, __dirname) { \n})';
  const script = `
    const [source, cache] = process.argv.slice(1);
    const text = ' '.repeat(require('node:fs').statSync(source).size + ${length});
    const cachedData = require('node:fs').readFileSync(cache);
    const { cachedDataRejected } = new (require('node:vm').Script)(text, { filename: source, cachedData });
    process.stdout.write(String(cachedDataRejected));
  `;
  const argv = [...flags, '-e', script, built, `${built}.cache`];
  assert.equal(execFileSync(process.execPath, argv, { encoding: 'utf8' }), 'false');
});
