/**
 * Who may choose a route but the sandbox itself: the configuration, by kind and handler, and a pod by annotation where
 * the configuration lets it. Nobody can choose what the sandbox does not offer.
 */

import { CribError } from '../runtime/errors.js';
import { KINDS } from './registry.js';
import {
  type PodRoutes,
  type SandboxCapabilities,
  VOLUME_KINDS,
  VOLUME_ROUTES,
  type VolumeKind,
  type VolumePolicy,
  type VolumeRoute,
} from './types.js';

/** `kind.route.crib.dev/emptydir: host-shared`: all volumes of that kind in the pod. */
export const KIND_ANNOTATION = 'kind.route.crib.dev/';
/** `volume.route.crib.dev/cache: host-shared`: the volume `cache` of the pod's manifest. It wins over the kind's. */
export const VOLUME_ANNOTATION = 'volume.route.crib.dev/';

export const NO_POD_ROUTES: PodRoutes = { kinds: {}, volumes: {} };

/** Of a tree that is copied into a sandbox, where the configuration says nothing. */
export const COPY_LIMITS = { copyMaxBytes: 8 << 20, copyMaxFiles: 1024 } as const;

/** Where the configuration says nothing. A sandbox with a kernel of its own makes a tmpfs without asking the host. */
export function defaultPolicy({ guest }: SandboxCapabilities): VolumePolicy {
  return {
    routes: {},
    annotations: [],
    overlay: [],
    ...COPY_LIMITS,
    verityCopyMaxBytes: 64 << 20,
    tmp: guest ? 'tmpfs' : 'image',
  };
}

/** What a policy may choose among for a kind: what the sandbox offers, and `refused`. */
export function choicesFor(kind: VolumeKind, capabilities: SandboxCapabilities): readonly VolumeRoute[] {
  const offered =
    KINDS.all()
      .find((candidate) => candidate.kind === kind)
      ?.routes(capabilities) ?? [];
  return [...new Set([...offered.map(({ route }) => route), 'refused' as const])];
}

/** Throws INVALID_ARGUMENT naming the field (`volumes.gvisor.emptydir`) for a route that the sandbox does not offer. */
export function checkPolicy(policy: VolumePolicy, capabilities: SandboxCapabilities, field: string): void {
  for (const kind of VOLUME_KINDS) {
    const route = policy.routes[kind];
    if (route !== undefined) checkOffered(kind, route, capabilities, `${field}.${kind}`);
  }
}

/**
 * The routes that a pod's annotations ask for. Throws INVALID_ARGUMENT naming the annotation for an unknown kind or
 * route, FAILED_PRECONDITION for one that the policy does not leave to pods or the sandbox does not offer.
 */
export function podRoutesOf(
  annotations: Readonly<Record<string, string>>,
  policy: VolumePolicy,
  capabilities: SandboxCapabilities,
): PodRoutes {
  const kinds: Partial<Record<VolumeKind, VolumeRoute>> = {};
  const volumes: Record<string, VolumeRoute> = {};
  for (const [key, value] of Object.entries(annotations)) {
    const field = fieldOf(key);
    if (key.startsWith(KIND_ANNOTATION)) {
      const kind = kindNamed(key.slice(KIND_ANNOTATION.length), field);
      checkPodMay(kind, policy, field);
      kinds[kind] = checkOffered(kind, routeNamed(value, field), capabilities, field);
    } else if (key.startsWith(VOLUME_ANNOTATION)) {
      volumes[key.slice(VOLUME_ANNOTATION.length)] = routeNamed(value, field);
      if (policy.annotations.length === 0) throw notAllowed(field);
    }
  }
  return { kinds, volumes };
}

/** The same checks for a volume that was named, once its kind is known. */
export function checkNamedRoute(
  name: string,
  kind: VolumeKind,
  route: VolumeRoute,
  policy: VolumePolicy,
  capabilities: SandboxCapabilities,
): void {
  const field = fieldOf(`${VOLUME_ANNOTATION}${name}`);
  checkPodMay(kind, policy, field);
  checkOffered(kind, route, capabilities, field);
}

export function isVolumeKind(text: string): text is VolumeKind {
  return VOLUME_KINDS.some((kind) => kind === text);
}

export function isVolumeRoute(text: string): text is VolumeRoute {
  return VOLUME_ROUTES.some((route) => route === text);
}

function checkOffered(
  kind: VolumeKind,
  route: VolumeRoute,
  capabilities: SandboxCapabilities,
  field: string,
): VolumeRoute {
  const choices = choicesFor(kind, capabilities);
  if (choices.includes(route)) return route;
  const message = `${field}: this sandbox has no route "${route}" for ${kind}; there are: ${choices.join(', ')}`;
  throw new CribError('FAILED_PRECONDITION', message);
}

function checkPodMay(kind: VolumeKind, { annotations }: VolumePolicy, field: string): void {
  if (!annotations.includes(kind)) throw notAllowed(field, kind);
}

function notAllowed(field: string, kind?: VolumeKind): CribError {
  const what = kind === undefined ? 'any volume' : kind;
  return new CribError(
    'FAILED_PRECONDITION',
    `${field}: the configuration (volumes.HANDLER.annotations) does not leave the route of ${what} to pods`,
  );
}

function kindNamed(text: string, field: string): VolumeKind {
  if (isVolumeKind(text)) return text;
  throw new CribError('INVALID_ARGUMENT', `${field}: there is no volume kind "${text}"`);
}

function routeNamed(text: string, field: string): VolumeRoute {
  if (isVolumeRoute(text)) return text;
  const message = `${field}: there is no route ${JSON.stringify(text.slice(0, 64))}; there are: ${VOLUME_ROUTES.join(', ')}`;
  throw new CribError('INVALID_ARGUMENT', message);
}

function fieldOf(annotation: string): string {
  return `config.annotations[${JSON.stringify(annotation)}]`;
}
