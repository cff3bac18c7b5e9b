/** What a session has learned about proving who it is: one Authorization per endpoint, kept until it expires. */

import { parseChallenges } from './challenge.js';
import type { Credentials } from './credentials.js';
import type { Endpoint } from './endpoint.js';
import { basicHeader, fetchToken, type Token } from './token.js';
import type { Transport } from './transport.js';

interface AuthorizerOptions {
  readonly transport: Transport;
  /** Asked once per endpoint, and only when it wants to know: a helper may cost seconds. */
  readonly credentials: (endpoint: Endpoint, signal: AbortSignal) => Promise<Credentials | undefined>;
  /** What to ask a token for where the challenge does not say: `repository:library/busybox:pull`. */
  readonly scope: string;
  readonly stallMs: number;
}

export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #known = new Map<Endpoint, Token>();
  readonly #pending = new Map<Endpoint, { readonly work: Promise<Token | undefined>; readonly asker: AbortSignal }>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** The Authorization to send at once, if there is one that is still good. */
  header(endpoint: Endpoint): string | undefined {
    const known = this.#known.get(endpoint);
    return known === undefined || known.expires <= performance.now() ? undefined : known.value;
  }

  /**
   * The Authorization that answers a 401, or undefined when there is none but what was `refused`. Requests that are
   * refused at the same time share one token.
   */
  async answer(
    endpoint: Endpoint,
    challenge: string,
    refused: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    for (;;) {
      const current = this.header(endpoint);
      if (current !== undefined && current !== refused) return current;
      const shared = this.#pending.get(endpoint);
      if (shared === undefined) break;
      try {
        return different(await shared.work, refused);
      } catch (error) {
        // Where the one who asked went away and we did not, one of those who are left asks for all.
        if (!shared.asker.aborted || signal.aborted) throw error;
      }
    }
    const work = this.#obtain(endpoint, challenge, signal);
    this.#pending.set(endpoint, { work, asker: signal });
    try {
      const token = await work;
      if (token !== undefined) this.#known.set(endpoint, token);
      return different(token, refused);
    } finally {
      this.#pending.delete(endpoint);
    }
  }

  /** Bearer before Basic: the order of the challenges says nothing about preference. */
  async #obtain(endpoint: Endpoint, challenge: string, signal: AbortSignal): Promise<Token | undefined> {
    const challenges = parseChallenges(challenge);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const basic = challenges.some(({ scheme }) => scheme === 'basic');
    if (bearer === undefined && !basic) return undefined;
    const credentials = await this.#options.credentials(endpoint, signal);
    if (bearer !== undefined && credentials?.kind === 'registry') return forEver(`Bearer ${credentials.token}`);
    const realm = bearer?.parameters.get('realm');
    if (realm !== undefined) {
      const wanted = {
        realm,
        service: bearer?.parameters.get('service'),
        scope: bearer?.parameters.get('scope') || this.#options.scope,
      };
      const { transport, stallMs } = this.#options;
      const token = await fetchToken(transport, endpoint, wanted, credentials, stallMs, signal);
      return { value: `Bearer ${token.value}`, expires: token.expires };
    }
    return basic && credentials?.kind === 'basic' ? forEver(basicHeader(credentials)) : undefined;
  }
}

function forEver(value: string): Token {
  return { value, expires: Number.POSITIVE_INFINITY };
}

function different(token: Token | undefined, refused: string | undefined): string | undefined {
  return token?.value === refused ? undefined : token?.value;
}
