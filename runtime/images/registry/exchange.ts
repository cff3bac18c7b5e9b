/** One question to one endpoint: proves who we are when asked to, follows redirects, turns statuses into failures. */

import type { IncomingMessage } from 'node:http';
import type { Authorizer } from './authorizer.js';
import { readBody } from './body.js';
import { type Endpoint, isLoopback } from './endpoint.js';
import { RegistryFailure, registryMessage, statusFailure } from './failure.js';
import { retryAfter } from './retry-after.js';
import { describe, type Transport } from './transport.js';

export interface Question {
  /** After the endpoint's `/v2`: `/library/busybox/blobs/sha256:…`. */
  readonly path: string;
  readonly accept?: readonly string[];
  /** First byte wanted; 0 asks without a Range. */
  readonly from?: number;
  /** Whether a digest proves the content, so that it may also come over plain HTTP from where the registry says. */
  readonly verified: boolean;
}

export interface Answer {
  /** 200, 206, or 416 where `from` was given. */
  readonly status: number;
  /** Its body must be read or destroyed. */
  readonly response: IncomingMessage;
  /** For messages: method and address. */
  readonly what: string;
}

const MAX_REDIRECTS = 10;
const MAX_ERROR_BODY = 64 * 1024;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export class Exchange {
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #stallMs: number;

  constructor(transport: Transport, authorizer: Authorizer, stallMs: number) {
    this.#transport = transport;
    this.#authorizer = authorizer;
    this.#stallMs = stallMs;
  }

  /** Throws a RegistryFailure with the registry's own message, or CANCELLED. A 401 is answered once. */
  async ask(endpoint: Endpoint, question: Question, signal: AbortSignal): Promise<Answer> {
    const sent = this.#authorizer.header(endpoint);
    const { answer, url } = await this.#follow(endpoint, question, sent, signal);
    if (answer.status !== 401 || url.origin !== endpoint.origin) return this.#accept(endpoint, question, url, answer);

    const challenge = answer.response.headers['www-authenticate'] ?? '';
    const failure = await this.#failure(endpoint, url, answer);
    const authorization = await this.#authorizer.answer(endpoint, challenge, sent, signal);
    if (authorization === undefined) throw failure;
    const second = await this.#follow(endpoint, question, authorization, signal);
    return this.#accept(endpoint, question, second.url, second.answer);
  }

  /** Authorization and the configured headers are for the endpoint's own origin and go nowhere else. */
  async #follow(
    endpoint: Endpoint,
    question: Question,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<{ answer: Answer; url: URL }> {
    let url = new URL(`${endpoint.origin}${endpoint.apiPath}${question.path}`);
    if (endpoint.namespace !== undefined) url.searchParams.set('ns', endpoint.namespace);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const own = url.origin === endpoint.origin;
      const headers = { ...(own ? ownHeaders(endpoint, authorization) : {}), ...askHeaders(question) };
      const trust = own ? endpoint.trust : endpoint.foreignTrust;
      const response = await this.#transport.request(url, trust, { method: 'GET', headers }, signal);
      const status = response.statusCode ?? 0;
      const { location } = response.headers;
      if (!REDIRECTS.has(status) || location === undefined) {
        return { answer: { status, response, what: `GET ${describe(url)}` }, url };
      }
      // A small body is read, so that the connection can be used again.
      await readBody(`GET ${describe(url)}`, response, MAX_ERROR_BODY, this.#stallMs);
      url = redirected(url, location, question.verified);
    }
    throw new RegistryFailure(
      'UNAVAILABLE',
      `GET ${endpoint.origin}${question.path}: more than ${MAX_REDIRECTS} redirects`,
    );
  }

  async #accept(endpoint: Endpoint, question: Question, url: URL, answer: Answer): Promise<Answer> {
    const { status } = answer;
    if (status === 200 || status === 206 || (status === 416 && (question.from ?? 0) > 0)) return answer;
    throw await this.#failure(endpoint, url, answer);
  }

  async #failure(endpoint: Endpoint, url: URL, { response, status, what }: Answer): Promise<RegistryFailure> {
    const body = (await readBody(what, response, MAX_ERROR_BODY, this.#stallMs)) ?? Buffer.alloc(0);
    const said = registryMessage(response.headers['content-type'], body);
    if (url.origin !== endpoint.origin && (status === 401 || status === 403)) {
      // The signature of a redirect has run out: the registry gives a new one.
      const reason = `HTTP status ${status} from the storage that ${endpoint.origin} redirects to`;
      return new RegistryFailure('UNAVAILABLE', `${what}: ${reason}${said === '' ? '' : `, ${said}`}`, {
        retryable: true,
      });
    }
    return statusFailure(what, status, said, retryAfter(response.headers['retry-after'], Date.now()));
  }
}

function ownHeaders(endpoint: Endpoint, authorization: string | undefined): Record<string, string[] | string> {
  const headers: Record<string, string[] | string> = {};
  for (const [name, values] of Object.entries(endpoint.headers)) headers[name.toLowerCase()] = [...values];
  if (authorization !== undefined) headers.authorization = authorization;
  return headers;
}

function askHeaders({ accept, from = 0 }: Question): Record<string, string> {
  return {
    ...(accept === undefined ? {} : { accept: accept.join(', ') }),
    ...(from === 0 ? {} : { range: `bytes=${from}-` }),
  };
}

function redirected(from: URL, location: string, verified: boolean): URL {
  const what = `GET ${describe(from)}`;
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new RegistryFailure('UNAVAILABLE', `${what}: it redirects to something that is no http or https address`);
  }
  if (from.protocol === 'https:' && url.protocol === 'http:' && !verified && !isLoopback(url.hostname)) {
    throw new RegistryFailure('FAILED_PRECONDITION', `${what}: it redirects from HTTPS to ${describe(url)}; refused`);
  }
  url.username = '';
  url.password = '';
  return url;
}
