import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageService, RuntimeService } from '../../../cri/api/generated/services.js';
import { onChange } from '../../../cri/observe/changes.js';

test('calls that make, change or run something count, those that only look do not', async () => {
  const changes: string[] = [];
  let current = '';
  const observe = onChange(() => changes.push(current));
  for (const { name } of [...Object.values(RuntimeService), ...Object.values(ImageService)]) {
    current = name;
    const call = { service: 'runtime.v1', method: name, metadata: () => undefined };
    await observe(call, async () => ({ code: 'OK', message: '', about: {} }));
  }
  assert.deepEqual(changes.sort(), [
    'Attach',
    'CheckpointContainer',
    'CreateContainer',
    'Exec',
    'ExecSync',
    'PortForward',
    'PullImage',
    'RemoveContainer',
    'RemoveImage',
    'RemovePodSandbox',
    'ReopenContainerLog',
    'RunPodSandbox',
    'StartContainer',
    'StopContainer',
    'StopPodSandbox',
    'UpdateContainerResources',
    'UpdatePodSandboxResources',
    'UpdateRuntimeConfig',
  ]);
});

test('a call that fails may have changed something', async () => {
  let changes = 0;
  const observe = onChange(() => changes++);
  const call = { service: 'runtime.v1', method: 'StartContainer', metadata: () => undefined };
  await assert.rejects(
    observe(call, async () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(changes, 1);
});
