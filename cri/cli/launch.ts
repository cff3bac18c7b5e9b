/**
 * What `crib` starts with: runs the bundle with what V8 has kept of compiling it. Without, that takes a quarter of the
 * CPU time of a start. The build writes the cache (test/build.sh); where it is missing or does not fit, nothing is lost but time.
 */

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const DIRECTORY = path.dirname(fileURLToPath(import.meta.url));
const MAIN = path.join(DIRECTORY, 'cribd-main.js');
const CACHE = `${MAIN}.cache`;
/** As Node itself wraps a CommonJS module. */
const HEAD = '(function (exports, require, module, __filename, __dirname) { ';
const TAIL = '\n})';

/** In one piece, and its bytes as they are (the bundle is ASCII): 2 MB that would else be in memory twice. */
function source(): string {
  const fd = fs.openSync(MAIN, 'r');
  try {
    const { size } = fs.fstatSync(fd);
    const text = Buffer.allocUnsafeSlow(HEAD.length + size + TAIL.length);
    text.write(HEAD, 0, 'latin1');
    const length = HEAD.length + fs.readSync(fd, text, HEAD.length, size, 0);
    return text.toString('latin1', 0, length + text.write(TAIL, length, 'latin1'));
  } finally {
    fs.closeSync(fd);
  }
}

/** V8 itself refuses one of another version, of other flags, or of a source of another length. */
function cache(): Buffer | undefined {
  try {
    if (fs.statSync(CACHE).mtimeMs < fs.statSync(MAIN).mtimeMs) return undefined;
    return fs.readFileSync(CACHE);
  } catch {
    return undefined;
  }
}

/** With all functions that this process has called by then. V8 checks no sum of it: it is whole on disk before it has its name. */
function writeCache(script: vm.Script): void {
  const file = fs.openSync(`${CACHE}.new`, 'w', 0o644);
  fs.writeFileSync(file, script.createCachedData());
  fs.fsyncSync(file);
  fs.closeSync(file);
  fs.renameSync(`${CACHE}.new`, CACHE);
}

function run(): void {
  const cachedData = cache();
  const script = new vm.Script(source(), { filename: MAIN, ...(cachedData === undefined ? {} : { cachedData }) });
  if (process.env.CRIB_WRITE_CODE_CACHE !== undefined) process.once('exit', () => writeCache(script));
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(MAIN), module, MAIN, DIRECTORY);
}

run();
