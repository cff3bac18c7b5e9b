/** One HTTP request: connections kept alive for a session, proxies, time limits, cancellation. No retries, no redirects. */

import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import type { Trust } from './endpoint.js';
import { cancelled, networkFailure, RegistryFailure } from './failure.js';
import { proxyFor, proxyHeaders, TunnelAgent } from './proxy.js';
import type { Roots } from './roots.js';
import type { RetryPolicy } from './rotation.js';

export interface TransportOptions {
  readonly userAgent: string;
  readonly policy: RetryPolicy;
  readonly roots: Roots;
  readonly env: NodeJS.ProcessEnv;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
}

const MAX_SOCKETS = 6;
/** Idle connections do not keep the process alive, and go after this time. */
const IDLE_MS = 5_000;
/** Bytes that wait for a reader: what has come meanwhile is read in one piece, and large pieces cost less. */
const READ_AHEAD = 1 << 20;
const AGENT = {
  keepAlive: true,
  maxSockets: MAX_SOCKETS,
  maxFreeSockets: MAX_SOCKETS,
  timeout: IDLE_MS,
  highWaterMark: READ_AHEAD,
};

export class Transport {
  readonly #options: TransportOptions;
  readonly #plain = new http.Agent(AGENT);
  readonly #secure = new Map<Trust, Map<string, Promise<https.Agent>>>();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** The answer's head; its body must be read or destroyed. Throws a RegistryFailure, or CANCELLED. */
  async request(url: URL, trust: Trust, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const what = `${request.method} ${describe(url)}`;
    if (signal.aborted) throw cancelled(what, signal);
    const proxy = proxyFor(url, this.#options.env);
    const headers = { 'User-Agent': this.#options.userAgent, 'Accept-Encoding': 'identity', ...request.headers };
    const message = { ...request, headers };
    try {
      return await this.#send(await this.#open(url, trust, proxy, message, signal), trust, request.body);
    } catch (error) {
      throw signal.aborted ? cancelled(what, signal) : networkFailure(what, error);
    }
  }

  async #open(
    url: URL,
    trust: Trust,
    proxy: URL | undefined,
    { method, headers }: HttpRequest,
    signal: AbortSignal,
  ): Promise<http.ClientRequest> {
    if (url.protocol === 'https:') {
      const agent = await this.#secureAgent(trust, proxy);
      return https.request(url, { method, headers, agent, signal });
    }
    if (proxy === undefined) return http.request(url, { method, headers, agent: this.#plain, signal });
    const toProxy = { ...headers, Host: url.host, ...proxyHeaders(proxy) };
    return http.request(proxy, { method, path: url.href, headers: toProxy, agent: this.#plain, signal });
  }

  #secureAgent(trust: Trust, proxy: URL | undefined): Promise<https.Agent> {
    const agents = this.#secure.get(trust) ?? new Map<string, Promise<https.Agent>>();
    this.#secure.set(trust, agents);
    const key = proxy?.href ?? '';
    const known = agents.get(key) ?? this.#makeAgent(trust, proxy);
    agents.set(key, known);
    return known;
  }

  async #makeAgent(trust: Trust, proxy: URL | undefined): Promise<https.Agent> {
    const secureContext = await this.#options.roots.context(trust);
    const options = { ...AGENT, secureContext, rejectUnauthorized: !trust.skipVerify };
    if (proxy === undefined) return new https.Agent(options);
    const connectMs = trust.connectMs ?? this.#options.policy.connectMs;
    return new TunnelAgent(options, { proxy, connectMs, userAgent: this.#options.userAgent });
  }

  /** Waiting for one of the session's sockets does not count against the time limits. */
  #send(request: http.ClientRequest, trust: Trust, body: string | undefined): Promise<IncomingMessage> {
    const connectMs = trust.connectMs ?? this.#options.policy.connectMs;
    const { answerMs } = this.#options.policy;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const limit = (milliseconds: number, what: string): void => {
        clearTimeout(timer);
        const expire = (): void => {
          request.destroy(new RegistryFailure('UNAVAILABLE', `${what} in ${milliseconds} ms`, { retryable: true }));
        };
        timer = setTimeout(expire, milliseconds);
      };
      request.once('socket', (socket: Socket) => {
        if (!socket.connecting) return limit(answerMs, 'no answer');
        limit(connectMs, 'no connection');
        const ready = 'encrypted' in socket ? 'secureConnect' : 'connect';
        const connected = (): void => limit(answerMs, 'no answer');
        socket.once(ready, connected);
        request.once('close', () => socket.off(ready, connected));
      });
      request.once('response', (response) => {
        clearTimeout(timer);
        // Whoever reads the body hears of later errors; until then nobody does.
        response.on('error', () => undefined);
        resolve(response);
      });
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.once('close', () => {
        clearTimeout(timer);
        // A server that switches protocols (101) ends the request without an answer and without an error.
        reject(new Error('the connection ended without an answer'));
      });
      request.end(body);
    });
  }
}

/** A URL for messages: without its query, which may hold the signature of a redirect. */
export function describe(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
