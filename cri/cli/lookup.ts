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
  const found = one('container', name, containersNamed(containers, name));
  if (found?.kind === 'container') return found.container;
  throw notFound('container', name, 'crib ps -a');
}

/** A pod, by id, name or NAMESPACE/NAME. Throws as findContainer. */
export async function findPod(cri: CriClient, name: string): Promise<PodSandbox> {
  const { items } = await cri.runtime.listPodSandbox({});
  const found = one('pod', name, podsNamed(items, name));
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
  const container = one('container', name, containersNamed(containers, name));
  return container ?? one('pod', name, podsNamed(items, name));
}

function containersNamed(containers: readonly Container[], name: string): Found[] {
  const byId = containers.filter(({ id }) => isPrefix(name, id));
  const matching = byId.length > 0 ? byId : containers.filter(({ metadata }) => metadata?.name === name);
  const running = matching.filter(({ state }) => state === ContainerState.CONTAINER_RUNNING);
  // Of one that was restarted the running one is meant.
  const meant = byId.length === 0 && running.length > 0 ? running : matching;
  return meant.map((container) => ({ kind: 'container', id: container.id, container }));
}

/** A pod's name, or NAMESPACE/NAME. */
function podsNamed(pods: readonly PodSandbox[], name: string): Found[] {
  const byId = pods.filter(({ id }) => isPrefix(name, id));
  const matching =
    byId.length > 0
      ? byId
      : pods.filter(({ metadata: m }) => m?.name === name || `${m?.namespace}/${m?.name}` === name);
  const ready = matching.filter(({ state }) => state === PodSandboxState.SANDBOX_READY);
  const meant = byId.length === 0 && ready.length > 0 ? ready : matching;
  return meant.map((pod) => ({ kind: 'pod', id: pod.id, pod }));
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
