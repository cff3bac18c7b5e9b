/** The kubelet's own API, as the API server calls it: pods, logs, statistics, and sessions in containers. */

import { readFile } from 'node:fs/promises';
import https from 'node:https';
import { buffer } from 'node:stream/consumers';
import { PATIENCE } from '../support/patience.js';
import type { Pod } from './manifest.js';

const LIMIT_MS = 20_000 * PATIENCE;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export class KubeletApi {
  /** PEM of the certificate that the kubelet has made for itself. */
  readonly certFile: string;
  readonly #address: string;

  constructor(address: string, certFile: string) {
    this.#address = address;
    this.certFile = certFile;
  }

  /** `path` with its query. */
  url(path: string): string {
    return `https://${this.#address}${path}`;
  }

  /** Asks once; the status is the caller's to judge. Throws when nobody answers, or not in time. */
  async ask(path: string, method = 'GET'): Promise<Answer> {
    const options = { method, rejectUnauthorized: false, agent: false, timeout: LIMIT_MS } as const;
    const request = https.request(this.url(path), options);
    const signal = AbortSignal.timeout(LIMIT_MS);
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      signal.addEventListener('abort', () => request.destroy(new Error(`${method} ${path}: no answer`)), {
        once: true,
      });
      request.on('error', reject).on('response', resolve).end();
    });
    const body = await buffer(response);
    return { status: response.statusCode ?? 0, body: body.toString() };
  }

  /** The body; throws on every status but 200. */
  async get(path: string): Promise<string> {
    const { status, body } = await this.ask(path);
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${body.slice(0, 500)}`);
    return body;
  }

  async pods(): Promise<readonly Pod[]> {
    const list = JSON.parse(await this.get('/pods')) as { items: readonly Pod[] | null };
    return list.items ?? [];
  }

  /** The log of a container; `query` as in the API: previous, tailLines, limitBytes, timestamps, follow. */
  logs(pod: Pod, container = 'main', query = ''): Promise<string> {
    const { namespace, name } = pod.metadata;
    return this.get(`/containerLogs/${namespace}/${name}/${container}${query === '' ? '' : `?${query}`}`);
  }

  async healthy(): Promise<boolean> {
    return this.ask('/healthz').then(
      ({ status, body }) => status === 200 && body === 'ok',
      () => false,
    );
  }

  certificate(): Promise<Buffer> {
    return readFile(this.certFile);
  }
}
