/** Words for the numbers of the CRI's enums. */

import { ContainerState, PodSandboxState } from '../api/generated/index.js';

const CONTAINER_STATES: ReadonlyMap<number, string> = new Map([
  [ContainerState.CONTAINER_CREATED, 'created'],
  [ContainerState.CONTAINER_RUNNING, 'running'],
  [ContainerState.CONTAINER_EXITED, 'exited'],
]);

export function containerStateWord(state: number): string {
  return CONTAINER_STATES.get(state) ?? 'unknown';
}

export function podStateWord(state: number): string {
  return state === PodSandboxState.SANDBOX_READY ? 'ready' : 'not ready';
}
