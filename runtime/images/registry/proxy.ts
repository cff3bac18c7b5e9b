/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY, with the meaning that they have for Go programs (golang.org/x/net/http/httpproxy). */

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { CribError } from '../../errors.js';
import { isLoopback } from './endpoint.js';
import { RegistryFailure } from './failure.js';

/** The proxy for `url`, or undefined for a direct connection. Throws FAILED_PRECONDITION on one that is no http:// URL. */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const text = env[name] || env[name.toLowerCase()] || '';
  if (text === '' || isLoopback(url.hostname) || isExempt(url, env.NO_PROXY || env.no_proxy || '')) return undefined;
  const address = text.includes('://') ? text : `http://${text}`;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy?.protocol !== 'http:' || !isDecodable(proxy.username) || !isDecodable(proxy.password)) {
    throw new CribError(
      'FAILED_PRECONDITION',
      `${name} is not the http:// address of a proxy; crib speaks to no other kind`,
    );
  }
  return proxy;
}

/** A bare `%` is taken by URL, and by nothing that reads what it stands in. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Proxy-Authorization for the user information in the proxy's URL. */
export function proxyHeaders(proxy: URL): Record<string, string> {
  if (proxy.username === '') return {};
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(user).toString('base64')}` };
}

/** `*`, a domain with its subdomains, `.domain` for the subdomains only, an address, a CIDR; each with an optional port. */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list.split(',').some((item) => {
    const entry = item.trim().toLowerCase();
    if (entry === '') return false;
    if (entry === '*') return true;
    if (entry.includes('/')) return inRange(host, entry);
    const withPort = /^(.*[^:]):([0-9]+)$/.exec(entry);
    if (withPort !== null && net.isIP(entry) === 0 && withPort[2] !== port) return false;
    const name = (withPort !== null && net.isIP(entry) === 0 ? (withPort[1] ?? '') : entry).replace(/^\[|\]$/g, '');
    if (net.isIP(host) !== 0) return host === name;
    const domain = name.replace(/^\*/, '');
    return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
  });
}

function inRange(host: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  const family = net.isIP(network);
  const bits = Number(prefix);
  if (family === 0 || net.isIP(host) !== family || !/^[0-9]+$/.test(prefix) || bits > (family === 4 ? 32 : 128))
    return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const range = new net.BlockList();
  range.addSubnet(network, bits, type);
  return range.check(host, type);
}

interface Tunnel {
  readonly proxy: URL;
  readonly connectMs: number;
  readonly userAgent: string;
}

/** Connections to https hosts through a proxy's CONNECT (RFC 9110, 9.3.6). */
export class TunnelAgent extends https.Agent {
  readonly #tunnel: Tunnel;

  constructor(options: https.AgentOptions, tunnel: Tunnel) {
    super(options);
    this.#tunnel = tunnel;
  }

  override createConnection(
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    this.#connect(options).then(
      (socket) => callback?.(null, socket),
      // The agent looks at the stream only where there is no error.
      (error: unknown) => callback?.(error instanceof Error ? error : new Error(String(error)), new net.Socket()),
    );
    return undefined;
  }

  #connect(options: https.RequestOptions): Promise<Duplex> {
    const { proxy, connectMs, userAgent } = this.#tunnel;
    const host = options.host ?? '';
    const target = `${net.isIPv6(host) ? `[${host}]` : host}:${options.port ?? 443}`;
    return new Promise((resolve, reject) => {
      const request = http.request(proxy, {
        method: 'CONNECT',
        path: target,
        agent: false,
        headers: { Host: target, 'User-Agent': userAgent, ...proxyHeaders(proxy) },
      });
      let socket: net.Socket | undefined;
      const fail = (error: Error): void => {
        clearTimeout(timer);
        request.destroy();
        socket?.destroy();
        reject(error);
      };
      const timer = setTimeout(
        () =>
          fail(
            new RegistryFailure('UNAVAILABLE', `no connection to ${target} through ${proxy.host} in ${connectMs} ms`, {
              retryable: true,
            }),
          ),
        connectMs,
      );
      request.once('error', fail);
      request.once('connect', (answer, connection) => {
        if (answer.statusCode !== 200) {
          connection.destroy();
          const reason = `the proxy ${proxy.host} answered HTTP status ${answer.statusCode} for ${target}`;
          fail(new RegistryFailure('UNAVAILABLE', reason, { retryable: (answer.statusCode ?? 0) >= 500 }));
          return;
        }
        const secured = tls.connect({
          socket: connection,
          servername: options.servername ?? '',
          ...(this.options.secureContext === undefined ? {} : { secureContext: this.options.secureContext }),
          rejectUnauthorized: this.options.rejectUnauthorized !== false,
          // Checked against the name that was asked for, also where it is an address and so has no servername.
          checkServerIdentity: (_, certificate) => tls.checkServerIdentity(host, certificate),
        });
        socket = secured;
        secured.once('error', fail);
        secured.once('secureConnect', () => {
          clearTimeout(timer);
          secured.off('error', fail);
          resolve(secured);
        });
      });
      request.end();
    });
  }
}
