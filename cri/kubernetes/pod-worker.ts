/**
 * The thread that asks the cluster's API: a program of its own (test/build.sh), because the client takes 0.2 s to load,
 * which would hold up every other call, and 30 MB, which go again with the thread.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../runtime/errors.js';
import { PodClient } from './pod-client.js';
import type { Answer, Question } from './pod-thread.js';

const { kubeconfig } = workerData as { readonly kubeconfig: string };
let client: PodClient | undefined;

parentPort?.on('message', ({ id, namespace, name }: Question) => {
  void answer(id, namespace, name).then((reply) => parentPort?.postMessage(reply));
});

async function answer(id: number, namespace: string, name: string): Promise<Answer> {
  try {
    client ??= new PodClient(kubeconfig);
    return { id, pod: await client.read(namespace, name) };
  } catch (error) {
    return { id, error: messageOf(error) };
  }
}
