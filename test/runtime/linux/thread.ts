/** Runs code on a thread of its own: what it changes of namespaces and privileges ends with it. */

import { Worker } from 'node:worker_threads';

/** The body of an async function; `linux(name)` imports a module of runtime/linux. Resolves with what it returns. */
export async function inThread<T>(body: string): Promise<T> {
  const folder = new URL('../../../runtime/linux/', import.meta.url).href;
  const code = `
    const { parentPort } = require('node:worker_threads');
    const linux = (name) => import(${JSON.stringify(folder)} + name + '.js');
    (async () => { ${body} })().then((value) => parentPort.postMessage(value));
  `;
  const worker = new Worker(code, { eval: true });
  try {
    return await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  } finally {
    await worker.terminate();
  }
}
