/** One-time tokens: what stands in a URL instead of the request, which the RPC has already checked. */

import { randomBytes } from 'node:crypto';
import { CribError } from '../../runtime/errors.js';

/** As the kubelet's library has them: a minute, and a thousand at once. */
export const TOKEN_LIFE_MS = 60_000;
export const MAX_TOKENS = 1000;
/** 192 bits, in characters that need no escape in a path. */
const TOKEN_BYTES = 24;

interface Entry<Request> {
  readonly request: Request;
  readonly expires: number;
}

export class Tokens<Request> {
  /** In the order of their age, which is the order in which they expire. */
  private readonly entries = new Map<string, Entry<Request>>();

  /** `now` in milliseconds; it must not go backwards. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Throws RESOURCE_EXHAUSTED while too many wait for their client. */
  issue(request: Request): string {
    this.dropExpired();
    if (this.entries.size >= MAX_TOKENS) {
      throw new CribError(
        'RESOURCE_EXHAUSTED',
        `${MAX_TOKENS} streaming URLs are waiting for their clients; each expires ${TOKEN_LIFE_MS / 1000} seconds after it was given`,
      );
    }
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    this.entries.set(token, { request, expires: this.now() + TOKEN_LIFE_MS });
    return token;
  }

  /** What the token stands for, once; undefined if it is unknown, used or expired. */
  redeem(token: string): Request | undefined {
    this.dropExpired();
    const entry = this.entries.get(token);
    this.entries.delete(token);
    return entry?.request;
  }

  private dropExpired(): void {
    const now = this.now();
    for (const [token, { expires }] of this.entries) {
      if (expires > now) return;
      this.entries.delete(token);
    }
  }
}
