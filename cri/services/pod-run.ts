import type { RunPodSandboxRequest, RunPodSandboxResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { podConfigOf } from './translate/pod-config.js';

export const runPodSandbox: Unary<RunPodSandboxRequest, RunPodSandboxResponse> = async ({ pods }, request, signal) => {
  const config = podConfigOf(request.config, 'config');
  return { podSandboxId: await pods.runPod(config, request.runtimeHandler, signal) };
};
