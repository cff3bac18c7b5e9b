import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  argvOf,
  envOf,
  execOf,
  idOf,
  numberOf,
  pipesOf,
  sessionOf,
  specOf,
  textOf,
  watchedSpecOf,
} from '../../../runtime/keeper/requests.js';

const refused = (field: string) => ({
  code: 'INVALID_ARGUMENT',
  message: new RegExp(`keeper request: ${field} must be`),
});

const SPEC = {
  id: 'c1',
  directory: '/run/c1',
  createArgv: ['runc', 'create'],
  env: { PATH: '/bin' },
  runtimeLog: '',
  stdio: { tty: false, stdin: true, stdinOnce: false, uid: 0, gid: 5, logPath: '', maxLineBytes: 16384 },
  createTimeoutMs: 1000,
  cgroupDirs: ['/sys/fs/cgroup/x'],
};

test('an id cannot leave the directory that it is joined to', () => {
  for (const id of ['a', 'A.b_c+d-1', '...', 'x'.repeat(200)]) assert.equal(idOf({ id }), id);
  for (const id of ['', '.', '..', 'a/b', '/', 'a b', 'a\0', 'é', 'x'.repeat(201), 5, undefined, null]) {
    assert.throws(() => idOf({ id }), refused('id'), String(id));
  }
});

test('numbers are finite and not negative, texts have no NUL, a command is not empty', () => {
  assert.equal(numberOf({ n: 0 }, 'n'), 0);
  for (const n of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1', undefined]) {
    assert.throws(() => numberOf({ n }, 'n'), refused('n'));
  }
  assert.equal(textOf({ t: '' }, 't'), '');
  for (const t of ['a\0b', 1, undefined]) assert.throws(() => textOf({ t }, 't'), refused('t'));
  assert.deepEqual(argvOf({ a: ['x', ''] }, 'a'), ['x', '']);
  for (const a of [[], [''], ['x', 1], 'x', undefined]) assert.throws(() => argvOf({ a }, 'a'), refused('a'));
});

test('an environment is texts by name, and one named __proto__ is only that', () => {
  const env = envOf({ env: JSON.parse('{"A": "1", "__proto__": "2"}') });
  assert.deepEqual(Object.entries(env), [
    ['A', '1'],
    ['__proto__', '2'],
  ]);
  assert.equal(Object.getPrototypeOf(env), Object.prototype);
  assert.throws(() => envOf({ env: { A: 1 } }), refused('A'));
  assert.throws(() => envOf({ env: ['A=1'] }), refused('env'));
});

test('a spec is taken over field by field, and nothing besides', () => {
  assert.deepEqual(specOf({ ...SPEC, method: 'create' }), SPEC);
  const stdio = (change: object) => ({ ...SPEC, stdio: { ...SPEC.stdio, ...change } });
  for (const [wrong, field] of [
    [{ ...SPEC, directory: 'run/c1' }, 'directory'],
    [{ ...SPEC, directory: '/' }, 'directory'],
    [{ ...SPEC, directory: '/run/..' }, 'directory'],
    [{ ...SPEC, cgroupDirs: [1] }, 'cgroupDirs'],
    [{ ...SPEC, createTimeoutMs: -1 }, 'createTimeoutMs'],
    [{ ...SPEC, stdio: undefined }, 'stdio'],
    [stdio({ tty: 1 }), 'tty'],
    [stdio({ uid: '0' }), 'uid'],
    [stdio({ logPath: 'x.log' }), 'logPath'],
  ] as const) {
    assert.throws(() => specOf(wrong), refused(field), field);
  }
  assert.equal(specOf(stdio({ logPath: '/log/x' })).stdio.logPath, '/log/x');
});

test('pipes name a descriptor of a process; those that are not there are left out', () => {
  const pipe = { pid: 7, fd: 3, inode: '99' };
  assert.deepEqual(pipesOf({ pipes: { stdout: pipe, other: pipe } }), { stdout: pipe });
  assert.deepEqual(pipesOf({ pipes: {} }), {});
  assert.throws(() => pipesOf({}), refused('pipes'));
  assert.throws(() => pipesOf({ pipes: { stdin: 3 } }), refused('pipes.stdin'));
  assert.throws(() => pipesOf({ pipes: { stdin: { ...pipe, fd: 1.5 } } }), refused('fd'));
  assert.throws(() => pipesOf({ pipes: { stdin: { ...pipe, inode: 99 } } }), refused('inode'));
});

test('an exec may have no pid file, a session must have one', () => {
  const exec = { argv: ['x'], env: {}, pidFile: '', timeoutMs: 0, maxOutputBytes: 1 };
  assert.deepEqual(execOf(exec), exec);
  const session = { argv: ['x'], env: {}, pidFile: '/p', runtimeLog: '', pipes: {}, startTimeoutMs: 1 };
  assert.deepEqual(sessionOf(session), session);
  assert.throws(() => sessionOf({ ...session, pidFile: '' }), refused('pidFile'));
});

test("what another kernel's processes are seen and ended by is checked too", () => {
  const base = { waitArgv: ['runsc', 'wait'], signalArgv: ['runsc', 'kill'], killArgv: ['runsc', 'kill'], env: {} };
  const watch = { ...base, waitCall: { socket: '/s', request: '{}' } };
  assert.deepEqual(watchedSpecOf({ ...SPEC, watch: base }).watch, base);
  assert.deepEqual(watchedSpecOf({ ...SPEC, watch }).watch, watch);
  const wrong = (waitCall: unknown) => ({ ...SPEC, watch: { ...base, waitCall } });
  assert.throws(() => watchedSpecOf(wrong({ socket: 's', request: '' })), refused('socket'));
  assert.throws(() => watchedSpecOf(wrong('/s')), refused('waitCall'));
  const exec = { argv: ['x'], env: {}, pidFile: '', timeoutMs: 0, maxOutputBytes: 1 };
  const tree = { listArgv: ['runsc', 'ps'], stopArgv: ['runsc', 'kill'] };
  const innerKill = { argv: ['runsc', 'kill'], pidFile: '/p', env: {} };
  for (const kill of [innerKill, { ...innerKill, tree }]) {
    assert.deepEqual(execOf({ ...exec, innerKill: kill }).innerKill, kill);
  }
  const half = { ...innerKill, tree: { listArgv: ['runsc'] } };
  assert.throws(() => execOf({ ...exec, innerKill: half }), refused('stopArgv'));
});
