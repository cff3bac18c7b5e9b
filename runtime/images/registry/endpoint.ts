/** Where the content of a registry is asked for: the registry itself or one of its mirrors. */

/** `resolve`: manifests by tag. `pull`: manifests by digest, and blobs. */
export type Capability = 'pull' | 'resolve' | 'push';

/** What a TLS server must show, and what it is shown. */
export interface Trust {
  /** PEM; in addition to the host's own certificate authorities. */
  readonly authorities: readonly string[];
  /** PEM pairs. */
  readonly identities: readonly { readonly certificate: string; readonly key: string }[];
  readonly skipVerify: boolean;
  readonly connectMs: number | undefined;
}

export interface Endpoint {
  /** `https://host:port`, without a path. */
  readonly origin: string;
  /** What comes before `/<name>/manifests`: `/v2` unless overridden. */
  readonly apiPath: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Sent with every request to this origin and to no other. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly trust: Trust;
  /** For hosts that this one redirects to: the same authorities, but not our identity. */
  readonly foreignTrust: Trust;
  /** The registry itself, not one of its mirrors: gets the reference's own credentials. */
  readonly upstream: boolean;
  /** Value of the `ns` parameter that tells a mirror which registry is meant; undefined for the registry itself. */
  readonly namespace: string | undefined;
}

/** The host that serves docker.io. */
export const DOCKER_HUB_HOST = 'registry-1.docker.io';

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** Whether `hostname` (IPv6 in brackets) cannot leave this machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/** The hostname of `host[:port]`. */
export function hostnameOf(host: string): string {
  return host.replace(/:[0-9]*$/, '').toLowerCase();
}
