import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContainerConfig, Signal } from '../../../../cri/api/generated/index.js';
import { type DeepPartial, decodeMessage, encodeMessage } from '../../../../cri/api/wire.js';
import { containerConfigOf, signalValue } from '../../../../cri/services/translate/container-config.js';

const translated = (message: DeepPartial<ContainerConfig>) => {
  const base = { metadata: { name: 'a' }, image: { image: 'b' } };
  return containerConfigOf(
    decodeMessage(ContainerConfig, encodeMessage(ContainerConfig, { ...base, ...message })),
    'config',
  );
};
const refused = (field: string) => ({ code: 'INVALID_ARGUMENT', message: new RegExp(`^config\\.${field} `) });

test('every signal has one name, there and back', () => {
  for (const [name, value] of Object.entries(Signal)) {
    const { stopSignal } = translated({ stopSignal: value });
    assert.equal(signalValue(stopSignal), value, name);
    assert.match(stopSignal, /^(SIG[A-Z0-9]+([+-]\d+)?)?$/);
  }
  assert.equal(translated({ stopSignal: Signal.SIGRTMINPLUS3 }).stopSignal, 'SIGRTMIN+3');
  assert.equal(translated({}).stopSignal, '');
});

test('a signal that the enum lacks, as an image may name, is none', () => {
  for (const name of ['', 'SIGNOPE', 'toString', '__proto__']) assert.equal(signalValue(name), Signal.RUNTIME_DEFAULT);
  assert.equal(signalValue('term'), Signal.SIGTERM);
});

test('a mount is of a path or of an image', () => {
  const image = { image: 'localhost/a' };
  const [mount] = translated({ mounts: [{ containerPath: '/a', image, readonly: true, imageSubPath: 'x/y' }] }).mounts;
  assert.deepEqual([mount?.hostPath, mount?.image?.image, mount?.imageSubPath], ['', 'localhost/a', 'x/y']);
  const [plain] = translated({ mounts: [{ containerPath: '/a', hostPath: '/b', image: {} }] }).mounts;
  assert.deepEqual([plain?.hostPath, plain?.image], ['/b', undefined]);
  const wrong = { containerPath: '/a', hostPath: '/b', image, readonly: true };
  assert.throws(() => translated({ mounts: [wrong] }), refused('mounts\\[0\\]\\.host_path'));
});

test('a log is a file below the directory of the pod', () => {
  assert.equal(translated({ logPath: 'c/0.log' }).logPath, 'c/0.log');
  assert.equal(translated({}).logPath, '');
  for (const logPath of ['/etc/x', '../x', 'a/../../x', 'a/', '.', 'a\0']) {
    assert.throws(() => translated({ logPath }), refused('log_path'), logPath);
  }
});

test('a variable has a name, and its value may be anything but NUL', () => {
  assert.deepEqual(translated({ envs: [{ key: 'A', value: 'b=c' }] }).envs, [{ key: 'A', value: 'b=c' }]);
  for (const key of ['', 'A=B', 'A\0']) {
    assert.throws(() => translated({ envs: [{ key: 'OK' }, { key }] }), refused('envs\\[1\\]\\.key'));
  }
  assert.throws(() => translated({ envs: [{ key: 'A', value: '\0' }] }), refused('envs\\[0\\]\\.value'));
});
