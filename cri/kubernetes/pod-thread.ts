/** Pods of the cluster's API, read by a thread (pod-worker.ts) that is there only while it is asked. */

import { Worker } from 'node:worker_threads';
import { CribError } from '../../runtime/errors.js';
import type { PodObject, PodSource } from '../../sandbox/pod-objects.js';

export interface Question {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
}

export type Answer =
  | { readonly id: number; readonly pod: PodObject | undefined }
  | { readonly id: number; readonly error: string };

interface Waiting {
  resolve(pod: PodObject | undefined): void;
  reject(error: CribError): void;
}

/** Pods come in bursts; after this long without a question the thread and its memory go. */
const IDLE_MS = 30_000;
const HEAP_MB = 128;

export class PodThread implements PodSource {
  readonly #script: string;
  readonly #kubeconfig: string;
  readonly #idleMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #next = 0;

  /** `script` is the bundle of pod-worker.ts. */
  constructor(script: string, kubeconfig: string, idleMs = IDLE_MS) {
    this.#script = script;
    this.#kubeconfig = kubeconfig;
    this.#idleMs = idleMs;
  }

  /** undefined: there is no such pod. Throws UNAVAILABLE with what went wrong, or that `timeoutMs` have passed. */
  async read(namespace: string, name: string, timeoutMs: number): Promise<PodObject | undefined> {
    const id = this.#next++;
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const timer = setTimeout(() => this.#end(worker, `the API server did not answer in ${timeoutMs} ms`), timeoutMs);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        worker.postMessage({ id, namespace, name } satisfies Question);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#idle = setTimeout(() => this.close(), this.#idleMs).unref();
    }
  }

  /** True while the thread is there. */
  get running(): boolean {
    return this.#worker !== undefined;
  }

  close(): void {
    clearTimeout(this.#idle);
    if (this.#worker !== undefined) this.#end(this.#worker, 'the daemon ends');
  }

  #start(): Worker {
    const worker = new Worker(this.#script, {
      workerData: { kubeconfig: this.#kubeconfig },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    worker.unref();
    worker.on('message', (answer: Answer) => this.#settle(answer));
    worker.on('error', (error) => this.#end(worker, error.message));
    worker.on('exit', (code) => this.#end(worker, `the thread that asks the API server ended with ${code}`));
    return worker;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if ('pod' in answer) waiting?.resolve(answer.pod);
    else waiting?.reject(unavailable(answer.error));
  }

  /** A request that hangs goes with the thread; the next question starts another. */
  #end(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    void worker.terminate();
    for (const waiting of this.#waiting.values()) waiting.reject(unavailable(why));
  }
}

function unavailable(why: string): CribError {
  return new CribError('UNAVAILABLE', why);
}
