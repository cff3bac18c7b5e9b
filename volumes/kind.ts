/** What a kind of volume is: how it is recognised, and where it goes. One kind per file in kinds/. */

import type { MountFacts, SandboxCapabilities, VolumeContext, VolumeKind, VolumeRoute } from './types.js';

export interface Routing {
  readonly route: VolumeRoute;
  /** Why it goes there; the second half of the decision's sentence. */
  readonly reason: string;
}

export interface Kind {
  readonly kind: VolumeKind;
  /** The evidence, as the first half of the decision's sentence; undefined: it is not of this kind. */
  matches(facts: MountFacts, context: VolumeContext): string | undefined;
  /** What a sandbox offers for it, never empty: the first is taken unless a policy chooses another (route.ts). */
  routes(capabilities: SandboxCapabilities): readonly [Routing, ...Routing[]];
  /** No container writes to it, so that it may go different ways for different mounts. */
  readonly readByAll?: boolean;
}

/** A sandbox that shares the host's kernel sees the host's files as they are. */
export const BOUND: Routing = { route: 'bind', reason: 'the sandbox shares the host kernel, so it is bind-mounted' };

export const SHARED: Routing = {
  route: 'host-shared',
  reason: 'the host and other pods may use it too, so it is shared from the host',
};

/** The usual route of what must stay on the host. */
export function boundOrShared({ guest }: SandboxCapabilities): [Routing] {
  return [guest ? SHARED : BOUND];
}

/** True for `directory` itself and what is below it; `/var/libX` is not below `/var/lib`. */
export function isWithin(candidate: string, directory: string): boolean {
  return candidate === directory || candidate.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
