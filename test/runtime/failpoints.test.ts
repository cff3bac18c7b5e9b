import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Failpoints, failpointsNow, parseFailpoints } from '../../runtime/failpoints.js';

const MODULES = path.resolve(import.meta.dirname, '../../runtime');

test('a list of failpoints is read with its defaults, and refused with what is wrong in it', () => {
  assert.deepEqual(parseFailpoints(' run-pod/network=error, remove-pod/record:after=kill@2,*=tell,'), [
    { name: 'run-pod/network', position: 'before', action: 'error', hit: 0 },
    { name: 'remove-pod/record', position: 'after', action: 'kill', hit: 2 },
    { name: '*', position: 'before', action: 'tell', hit: 0 },
  ]);
  for (const wrong of [
    'run-pod/netwrok=error',
    'run-pod/network',
    'run-pod/network=explode',
    'run-pod/network=kill@0',
  ]) {
    assert.throws(() => parseFailpoints(wrong), {
      code: 'INVALID_ARGUMENT',
      message: new RegExp(`"${wrong}" is none`),
    });
  }
});

test('an error comes instead of the work before, and after it in spite of it', async () => {
  const said: string[] = [];
  const failpoints = new Failpoints('run-pod/ready=error@2,run-pod/ready:after=error@3', (line) => said.push(line));
  const done: number[] = [];
  const attempt = (number: number) => failpoints.around('run-pod/ready', async () => done.push(number));
  await attempt(1);
  await assert.rejects(attempt(2), { code: 'INTERNAL', message: 'failpoint run-pod/ready:before' });
  await attempt(3);
  await assert.rejects(attempt(4), { message: 'failpoint run-pod/ready:after' });
  await failpoints.around('run-pod/record', async () => done.push(5));
  assert.deepEqual(done, [1, 3, 4, 5]);
  assert.deepEqual(
    said.map((line) => line.split(' in ')[0]),
    ['failpoint run-pod/ready:before=error', 'failpoint run-pod/ready:after=error'],
  );
});

test('a file is read anew at each step; what hangs goes on when it is named no more', async (context) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-failpoints-'));
  context.after(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'list');
  let reached: () => void = () => {};
  const hangs = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const failpoints = new Failpoints(`@${file}`, () => reached());
  assert.equal(await failpoints.around('run-pod/ready', async () => 1), 1);
  fs.writeFileSync(file, 'run-pod/ready=hang');
  let ended = false;
  const hung = failpoints.around('run-pod/ready', async () => {
    ended = true;
    return 2;
  });
  await hangs;
  assert.equal(ended, false);
  fs.rmSync(file);
  assert.equal(await hung, 2);
});

test('a process that cannot read the file is given what is in it', (context) => {
  const before = process.env.CRIB_FAILPOINTS;
  context.after(() => {
    if (before === undefined) delete process.env.CRIB_FAILPOINTS;
    else process.env.CRIB_FAILPOINTS = before;
  });
  process.env.CRIB_FAILPOINTS = 'unpack/layer=kill';
  assert.deepEqual(failpointsNow(), { CRIB_FAILPOINTS: 'unpack/layer=kill' });
  process.env.CRIB_FAILPOINTS = '@/nowhere';
  assert.deepEqual(failpointsNow(), {});
});

test('kill is SIGKILL to the process, before anything else is done', async () => {
  const script = `
    import { armFailpoints } from '${MODULES}/failpoints.js';
    import { step } from '${MODULES}/steps.js';
    armFailpoints();
    await step('run-pod/record', async () => process.stdout.write('first '));
    await step('run-pod/ready', async () => process.stdout.write('second '));
    process.stdout.write('third');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { CRIB_FAILPOINTS: 'run-pod/ready:after=kill' },
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (bytes: Buffer) => {
      text[name] += bytes.toString();
    });
  }
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', text.stderr);
  assert.equal(text.stdout, 'first second ');
  assert.match(text.stderr, /^failpoints are switched on.*\nfailpoint run-pod\/ready:after=kill in process \d+\n$/);
});
