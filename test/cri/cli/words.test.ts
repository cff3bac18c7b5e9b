import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContainerState, PodSandboxState } from '../../../cri/api/generated/index.js';
import { containerStateWord, podStateWord } from '../../../cri/cli/words.js';

test('a state has the word that people know; one of another runtime, or none yet known, is said to be that', () => {
  const { CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED, CONTAINER_UNKNOWN } = ContainerState;
  const words = [CONTAINER_CREATED, CONTAINER_RUNNING, CONTAINER_EXITED, CONTAINER_UNKNOWN, 99, -1];
  assert.deepEqual(words.map(containerStateWord), ['created', 'running', 'exited', 'unknown', 'unknown', 'unknown']);
  const { SANDBOX_READY, SANDBOX_NOTREADY } = PodSandboxState;
  assert.deepEqual([SANDBOX_READY, SANDBOX_NOTREADY, 99].map(podStateWord), ['ready', 'not ready', 'not ready']);
});
