import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeviceName, isKind, kindOf, requestedDevices } from '../../../runtime/cdi/names.js';

test('names are those of the specification', () => {
  for (const kind of ['vendor.com/gpu', 'v/c', 'a-b_c.com/x.y']) assert.ok(isKind(kind), kind);
  for (const kind of ['vendor.com', '/c', 'v/', '1v/c', 'v/c/d', 'v /c', 'v-/c']) assert.ok(!isKind(kind), kind);
  for (const name of ['0', 'a', 'gpu:0', 'a.b-c_d']) assert.ok(isDeviceName(name), name);
  for (const name of ['', '-a', 'a-', 'a b', 'a=b']) assert.ok(!isDeviceName(name), name);
  assert.equal(kindOf('vendor.com/gpu=0'), 'vendor.com/gpu');
  assert.equal(kindOf('vendor.com/gpu'), undefined);
});

test('devices come from the field and from annotations, each once', () => {
  const annotations = { 'cdi.k8s.io/plugin_x': 'v/c=2, v/c=1', other: 'v/c=3' };
  assert.deepEqual(requestedDevices({ cdiDevices: ['v/c=1'], annotations }), ['v/c=1', 'v/c=2']);
});

test('what is no name is refused, naming the field', () => {
  const refused = (request: Parameters<typeof requestedDevices>[0], message: RegExp) =>
    assert.throws(() => requestedDevices(request), { code: 'INVALID_ARGUMENT', message });
  refused({ cdiDevices: ['v/c=1', 'gpu0'], annotations: {} }, /^config\.CDI_devices\[1\]\.name: "gpu0"/);
  refused({ cdiDevices: [], annotations: { 'cdi.k8s.io/x': '' } }, /^config\.annotations\[cdi\.k8s\.io\/x\]/);
});
