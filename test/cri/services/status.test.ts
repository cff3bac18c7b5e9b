import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFakeService } from '../../support/fake-service.js';

const handler = (name: string, isDefault: boolean, available: boolean) => ({
  ...{ name, isDefault, available, detail: `${name} 1.0`, recursiveReadOnly: name === 'crun', userNamespaces: true },
});
let handlers = [handler('runc', true, true), handler('crun', false, true), handler('kata', false, false)];
let network = { ready: true, reason: '', message: '' };
const { client } = await startFakeService({ handlers: () => handlers, networkReadiness: () => network });

test('ready conditions have no reason; the default handler has a twin without a name; what does not work is left out', async () => {
  const { status, runtimeHandlers, features, info } = await client.runtime.status({});
  assert.deepEqual(
    status?.conditions.map(({ type, status: ready, reason }) => [type, ready, reason]),
    [
      ['RuntimeReady', true, ''],
      ['NetworkReady', true, ''],
    ],
  );
  assert.deepEqual(
    runtimeHandlers.map(({ name, features: of }) => [name, of?.recursiveReadOnlyMounts, of?.userNamespaces]),
    [
      ['', false, true],
      ['runc', false, true],
      ['crun', true, true],
    ],
  );
  assert.equal(features?.supplementalGroupsPolicy, true);
  assert.deepEqual(info, {});
});

test('a default handler that does not work, and a network that is not there, are said with their reason', async () => {
  handlers = [handler('runc', true, false), handler('crun', false, true)];
  network = { ready: false, reason: 'NetworkPluginNotReady', message: 'no configuration' };
  const { status, runtimeHandlers } = await client.runtime.status({});
  assert.deepEqual(
    status?.conditions.map((condition) => [condition.status, condition.reason, condition.message]),
    [
      [false, 'DefaultHandlerUnavailable', 'runc: runc 1.0; crun: crun 1.0'],
      [false, 'NetworkPluginNotReady', 'no configuration'],
    ],
  );
  assert.deepEqual(
    runtimeHandlers.map(({ name }) => name),
    ['crun'],
  );
});

test('verbosely, the version too', async () => {
  const { info } = await client.runtime.status({ verbose: true });
  assert.equal(JSON.parse(info.info ?? '').version, 'test');
});
