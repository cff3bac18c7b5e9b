/** What a check is, and how many of them run: most of a check is waiting for the kubelet. */

import assert from 'node:assert/strict';
import { type Manifest, manifest, type Pod, type PodSpec } from './manifest.js';
import type { ClusterNode } from './node.js';
import { overSpdy } from './sessions.js';

/** `Subject`: what it looks at, a node with static pods or one of a cluster. */
export interface Check<Subject = ClusterNode> {
  readonly name: string;
  /** Rejects with what is wrong. Pods that it makes have names of their own. */
  run(subject: Subject): Promise<void>;
}

export interface Outcome {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  /** Why it failed or was left out. */
  readonly detail: string;
}

/** Thrown by a check that this machine has not the means for. */
export class NotHere extends Error {}

const AT_ONCE = 8;

/** Runs them, `atOnce` at a time, and tells each outcome as it comes. */
export async function runChecks<Subject>(
  subject: Subject,
  checks: readonly Check<Subject>[],
  tell: (outcome: Outcome) => void,
  atOnce = AT_ONCE,
): Promise<void> {
  const left = [...checks];
  const worker = async () => {
    for (let check = left.shift(); check !== undefined; check = left.shift()) tell(await outcomeOf(subject, check));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function outcomeOf<Subject>(subject: Subject, { name, run }: Check<Subject>): Promise<Outcome> {
  const began = performance.now();
  const done = (state: Outcome['state'], detail = ''): Outcome => {
    return { name, state, detail, seconds: (performance.now() - began) / 1000 };
  };
  try {
    await run(subject);
    return done('passed');
  } catch (error) {
    if (error instanceof NotHere) return done('skipped', error.message);
    return done('failed', error instanceof Error ? error.message : String(error));
  }
}

/** A manifest of busybox containers. */
export function podOf(node: ClusterNode, name: string, spec: PodSpec, metadata: object = {}): Manifest {
  return manifest(name, node.images.busybox, spec, metadata);
}

/** Makes the pod and waits until it is ready. */
export function started(node: ClusterNode, name: string, spec: PodSpec, metadata: object = {}): Promise<Pod> {
  return node.applyAndWait(podOf(node, name, spec, metadata));
}

/** Makes a pod of containers that end, and waits until it has. */
export async function finished(node: ClusterNode, name: string, spec: PodSpec): Promise<Pod> {
  await node.apply(podOf(node, name, { restartPolicy: 'Never', ...spec }));
  return node.untilPod(name, 'has ended', ({ status }) => status.phase === 'Succeeded' || status.phase === 'Failed');
}

/** Runs a script in a container through the kubelet; its output without the last line feed. Throws when it fails. */
export async function sh(node: ClusterNode, pod: Pod, script: string, container = 'main'): Promise<string> {
  const { code, stdout, stderr } = await overSpdy(node.api, { pod, container, command: ['sh', '-c', script] });
  assert.equal(code, 0, `${script}: ${stderr}`);
  return stdout.trimEnd();
}

/** A script that goes on until it is told to end, and then does at once. */
export const STAY = "trap 'exit 0' TERM INT; while :; do sleep 1 & wait $!; done";
