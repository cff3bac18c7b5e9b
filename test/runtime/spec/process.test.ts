import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processArgs, processCwd, processEnv } from '../../../runtime/spec/process.js';
import { config, input, inputWith } from './inputs.js';

const image = (change: Partial<typeof input.image>) => ({ ...input.image, ...change });
const argsOf = (change: Partial<typeof config>, of: Partial<typeof input.image>) =>
  processArgs({ ...config, command: [], ...change }, image(of));

test('a command drops the image’s words, arguments drop its arguments', () => {
  const of = { entrypoint: ['entry'], cmd: ['cmd'] };
  assert.deepEqual(argsOf({}, of), ['entry', 'cmd']);
  assert.deepEqual(argsOf({ args: ['a'] }, of), ['entry', 'a']);
  assert.deepEqual(argsOf({ command: ['c'] }, of), ['c']);
  assert.deepEqual(argsOf({ command: ['c'], args: ['a', ''] }, of), ['c', 'a', '']);
  assert.deepEqual(argsOf({}, { entrypoint: [''], cmd: ['cmd'] }), ['cmd'], 'an entrypoint that was unset');
  assert.throws(() => argsOf({}, { entrypoint: [''] }), { code: 'INVALID_ARGUMENT', message: /nothing to run/ });
  assert.throws(() => argsOf({ args: ['a\0b'] }, of), { code: 'INVALID_ARGUMENT', message: /NUL/ });
});

test('of one name the last value counts: crib’s, the image’s, the client’s', () => {
  const from = (change: Partial<typeof config>, env: string[] = []) =>
    processEnv(inputWith(change, {}, { image: image({ env }) }));
  assert.deepEqual(from({}), [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOSTNAME=box',
    'HOME=/root',
  ]);
  const envs = [
    { key: 'PATH', value: '' },
    { key: 'A', value: 'x=y' },
    { key: 'A', value: 'late' },
  ];
  const env = from({ envs, tty: true }, [
    'PATH=/image',
    'HOME=/image',
    'A=1',
    'B=2=3',
    'noequals',
    '=novalue',
    'C=a\0b',
    'D=',
  ]);
  assert.deepEqual(env, ['PATH=', 'TERM=xterm', 'HOSTNAME=box', 'HOME=/image', 'A=late', 'B=2=3', 'D=']);
  for (const [key, value] of [
    ['', 'x'],
    ['a=b', 'x'],
    ['a\0', 'x'],
    ['a', 'x\0'],
  ] as const) {
    assert.throws(
      () =>
        from({
          envs: [
            { key: 'ok', value: '' },
            { key, value },
          ],
        }),
      { code: 'INVALID_ARGUMENT', message: /^config\.envs\[1\]\.(key|value): / },
    );
  }
});

test('the client’s directory, else the image’s, else the root', () => {
  assert.equal(processCwd(config, image({})), '/');
  assert.equal(processCwd(config, image({ workingDir: '/img/../w/' })), '/w');
  assert.equal(processCwd({ ...config, workingDir: '/c' }, image({ workingDir: '/w' })), '/c');
  assert.throws(() => processCwd({ ...config, workingDir: 'c' }, image({})), {
    message: /^config\.working_dir: "c" is not/,
  });
  assert.throws(() => processCwd(config, image({ workingDir: 'w' })), {
    message: /^WorkingDir of image sha256:1: "w" is not/,
  });
});
