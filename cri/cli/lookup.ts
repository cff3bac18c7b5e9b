/** Finds what a person means: an id, the beginning of one, or a name that only one thing has. */

import { CribError } from '../../runtime/errors.js';
import type { Container, Image, PodSandbox } from '../api/generated/index.js';
import { ContainerState, PodSandboxState } from '../api/generated/index.js';
import type { CriClient } from '../client.js';
import { shortId } from './output.js';

export type Found =
  | { readonly kind: 'container'; readonly id: string; readonly container: Container }
  | { readonly kind: 'pod'; readonly id: string; readonly pod: PodSandbox }
  | { readonly kind: 'image'; readonly id: string; readonly image: Image };

/** A container. Throws NOT_FOUND, or INVALID_ARGUMENT listing what the name could mean. */
export async function findContainer(cri: CriClient, name: string): Promise<Container> {
  const { containers } = await cri.runtime.listContainers({});
  const found = chosen([containersNamed(containers, name)], name);
  if (found?.kind === 'container') return found.container;
  throw notFound('container', name, 'crib ps -a');
}

/** A pod, by id, name or NAMESPACE/NAME. Throws as findContainer. */
export async function findPod(cri: CriClient, name: string): Promise<PodSandbox> {
  const { items } = await cri.runtime.listPodSandbox({});
  const found = chosen([podsNamed(items, name)], name);
  if (found?.kind === 'pod') return found.pod;
  throw notFound('pod', name, 'crib pods');
}

/** A container, else a pod. */
export async function findContainerOrPod(cri: CriClient, name: string): Promise<Found> {
  const found = await lookUp(cri, name);
  if (found !== undefined) return found;
  throw notFound('container or pod', name, 'crib ps -a and crib pods');
}

/** A container, else a pod, else an image. */
export async function findAnything(cri: CriClient, name: string): Promise<Found> {
  const found = await lookUp(cri, name);
  if (found !== undefined) return found;
  const { image } = await cri.images.imageStatus({ image: { image: name } });
  if (image !== undefined) return { kind: 'image', id: image.id, image };
  throw notFound('container, pod or image', name, 'crib ps -a, crib pods and crib images');
}

async function lookUp(cri: CriClient, name: string): Promise<Found | undefined> {
  const [{ containers }, { items }] = await Promise.all([
    cri.runtime.listContainers({}),
    cri.runtime.listPodSandbox({}),
  ]);
  return chosen([containersNamed(containers, name), podsNamed(items, name)], name);
}

interface Candidates {
  readonly what: 'container' | 'pod';
  /** By the whole id or the whole name. */
  readonly named: readonly Found[];
  /** By the beginning of the id. */
  readonly abbreviated: readonly Found[];
}

/** A name wins over the beginning of an id: a container called `cafe` is meant, not one whose id begins so. */
function chosen(candidates: readonly Candidates[], name: string): Found | undefined {
  for (const { what, named } of candidates) if (named.length > 0) return one(what, name, named);
  for (const { what, abbreviated } of candidates) if (abbreviated.length > 0) return one(what, name, abbreviated);
  return undefined;
}

function containersNamed(containers: readonly Container[], name: string): Candidates {
  return candidates('container', name, containers, {
    isNamed: ({ metadata }) => metadata?.name === name,
    // Of one that was restarted the running one is meant.
    isMeant: ({ state }) => state === ContainerState.CONTAINER_RUNNING,
    found: (container) => ({ kind: 'container', id: container.id, container }),
  });
}

/** A pod's name, or NAMESPACE/NAME. */
function podsNamed(pods: readonly PodSandbox[], name: string): Candidates {
  return candidates('pod', name, pods, {
    isNamed: ({ metadata: m }) => m?.name === name || `${m?.namespace}/${m?.name}` === name,
    isMeant: ({ state }) => state === PodSandboxState.SANDBOX_READY,
    found: (pod) => ({ kind: 'pod', id: pod.id, pod }),
  });
}

interface Kind<T> {
  isNamed(object: T): boolean;
  /** Of several of the name these are meant, where there are any. */
  isMeant(object: T): boolean;
  found(object: T): Found;
}

function candidates<T extends { readonly id: string }>(
  what: Candidates['what'],
  name: string,
  objects: readonly T[],
  { isNamed, isMeant, found }: Kind<T>,
): Candidates {
  const whole = objects.filter(({ id }) => id === name);
  const all = objects.filter(isNamed);
  const meant = all.filter(isMeant);
  const named = whole.length > 0 ? whole : meant.length > 0 ? meant : all;
  const abbreviated = objects.filter(({ id }) => isPrefix(name, id));
  return { what, named: named.map(found), abbreviated: abbreviated.map(found) };
}

function isPrefix(name: string, id: string): boolean {
  return /^[0-9a-f]+$/.test(name) && id.startsWith(name);
}

function one(what: string, name: string, found: readonly Found[]): Found | undefined {
  if (found.length < 2) return found[0];
  const ids = found.map(({ id }) => shortId(id)).join(', ');
  throw new CribError('INVALID_ARGUMENT', `${name} is the name of ${found.length} ${what}s: give an id (${ids})`);
}

function notFound(what: string, name: string, where: string): CribError {
  return new CribError('NOT_FOUND', `there is no ${what} ${name}; see ${where}`);
}
