import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runConfigOf } from '../../../runtime/images/run-config.js';

const NOTHING = { user: '', env: [], entrypoint: [], cmd: [], workingDir: '', stopSignal: '', labels: {}, volumes: [] };

test('what an image says is taken, what it does not say is empty', () => {
  for (const image of [
    {},
    { config: null },
    { config: {} },
    { config: 'text' },
    { config: { Env: null, User: null } },
  ]) {
    assert.deepEqual(runConfigOf(image), NOTHING, JSON.stringify(image));
  }
  const config = {
    ...{ User: 'a:b', Env: ['A=1', 'odd', ''], Entrypoint: [''], Cmd: ['sh'], WorkingDir: '/w', StopSignal: 'SIGQUIT' },
    ...{ Labels: { a: 'b', number: 1 }, Volumes: { '/data': {}, '/more': null }, Healthcheck: { Test: [] } },
  };
  assert.deepEqual(runConfigOf({ config }), {
    ...{ user: 'a:b', env: ['A=1', 'odd', ''], entrypoint: [''], cmd: ['sh'], workingDir: '/w', stopSignal: 'SIGQUIT' },
    ...{ labels: { a: 'b' }, volumes: ['/data', '/more'] },
  });
  const labels = JSON.parse('{"config":{"Labels":{"__proto__":"x","constructor":"y"}}}') as Record<string, unknown>;
  assert.deepEqual(Object.entries(runConfigOf(labels).labels), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
});

test('fields are found in any case, as by Go, and in their own before another', () => {
  const image = {
    Config: { cmd: ['sh'], ENTRYPOINT: ['/e'], workingdir: '/w', env: ['A=1'], Env: ['B=2'], volumes: { '/v': {} } },
  };
  assert.deepEqual(runConfigOf(image), {
    ...{ ...NOTHING, cmd: ['sh'], entrypoint: ['/e'], workingDir: '/w', env: ['B=2'], volumes: ['/v'] },
  });
});

test('another type than the specification’s is refused by the field', () => {
  const many = Array.from({ length: 10_001 }, () => 'x');
  for (const [config, message] of [
    [{ User: 5 }, /config\.User is not a string/],
    [{ WorkingDir: '/a\0b' }, /config\.WorkingDir has a NUL/],
    [{ Env: 'A=1' }, /config\.Env is not a list/],
    [{ Cmd: ['sh', 1] }, /config\.Cmd has an entry that is not a string/],
    [{ Entrypoint: ['a\0b'] }, /config\.Entrypoint has an entry/],
    [{ Cmd: many }, /config\.Cmd has more than 10000 entries/],
  ] as const) {
    assert.throws(() => runConfigOf({ config }), { code: 'INVALID_ARGUMENT', message });
  }
});
