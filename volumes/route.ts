/** Which of the routes that the sandbox offers a volume goes: the pod's word, the configuration's, else the first. */

import type { Kind, Routing } from './kind.js';
import { checkNamedRoute } from './policy.js';
import type { MountFacts, VolumeContext, VolumeRoute } from './types.js';

/** What the other mounts of the pod say of a volume. */
export interface Settled {
  /** The route that containers have it by already. */
  readonly route: VolumeRoute | undefined;
  /** This container mounts a part of it. */
  readonly inParts: boolean;
  /** Why it cannot be inside of the sandbox; undefined: it can. */
  readonly obstacle: string | undefined;
}

/**
 * A volume of the pod goes one way for all of its containers, and whole or in parts: two ways would be two volumes. Throws
 * FAILED_PRECONDITION naming the annotation that asks for what cannot be had.
 */
export function chooseRoute(kind: Kind, facts: MountFacts, context: VolumeContext, settled: Settled): Routing {
  const offers = kind.routes(context.capabilities);
  const wanted = askedFor(kind, facts, context);
  const chosen = around(offers, wanted === undefined ? offers[0] : offered(offers, wanted), settled.obstacle);
  if (settled.route !== undefined) return joined(offers, chosen, settled, context);
  if (chosen.route !== 'guest-local' || !settled.inParts || context.capabilities.guestLocalSubPaths) return chosen;
  const whole = offers.find(({ route }) => route !== 'guest-local');
  return { route: whole?.route ?? 'refused', reason: 'a container mounts a part of it, which needs it on the host' };
}

/** As the pod's earlier containers have it. */
function joined(
  offers: readonly Routing[],
  chosen: Routing,
  { route = chosen.route, inParts }: Settled,
  { capabilities }: VolumeContext,
): Routing {
  if (route === 'guest-local' && inParts && !capabilities.guestLocalSubPaths) {
    const reason =
      'a container mounts a part of it, and another has it inside the sandbox already, where parts cannot be mounted; route it host-shared';
    return { route: 'refused', reason };
  }
  if (route === chosen.route) return chosen;
  const reason = offers.find((offer) => offer.route === route)?.reason;
  return { route, reason: `another container of the pod has it so${reason === undefined ? '' : `: ${reason}`}` };
}

/** What is not possible inside of the sandbox goes the way that is offered next. */
function around(offers: readonly Routing[], chosen: Routing, obstacle: string | undefined): Routing {
  if (chosen.route !== 'guest-local' || obstacle === undefined) return chosen;
  const next = offers.find(({ route }) => route !== 'guest-local');
  return { route: next?.route ?? 'refused', reason: `${obstacle}; ${next?.reason ?? 'there is no other way'}` };
}

interface Wanted {
  readonly route: VolumeRoute;
  readonly by: string;
}

function askedFor({ kind }: Kind, { volume }: MountFacts, context: VolumeContext): Wanted | undefined {
  const { policy, podRoutes, capabilities } = context;
  const named = volume === undefined ? undefined : podRoutes.volumes[volume.name];
  if (volume !== undefined && named !== undefined) {
    checkNamedRoute(volume.name, kind, named, policy, capabilities);
    return { route: named, by: `an annotation of the pod asks for it` };
  }
  const ofKind = podRoutes.kinds[kind];
  if (ofKind !== undefined) return { route: ofKind, by: 'an annotation of the pod asks for it' };
  const configured = policy.routes[kind];
  return configured === undefined ? undefined : { route: configured, by: 'the configuration says so' };
}

function offered(offers: readonly Routing[], { route, by }: Wanted): Routing {
  const found = offers.find((offer) => offer.route === route);
  return found ?? { route, reason: by };
}
