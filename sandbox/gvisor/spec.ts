/** From the OCI spec of a container to what runsc wants of it: the one place that knows how a sentry's differs. */

import type { OciSpec, ResolvedMount } from '../../runtime/spec/types.js';
import type { PodRecord } from '../pod-record.js';
import { sharingShm } from './mount-hints.js';
import { ownPidNamespace, sandboxName } from './places.js';

interface Spec extends OciSpec {
  readonly annotations: Readonly<Record<string, string>>;
  readonly mounts: readonly ResolvedMount[];
  readonly linux: Readonly<Record<string, unknown>> & { readonly namespaces: readonly Namespace[] };
}

interface Namespace {
  readonly type: string;
  readonly path?: string;
}

/** `spec` is what buildSpec made for the container `id` of `pod`; `hinted` gives its volumes their hints. */
export function sentrySpec(
  pod: PodRecord,
  id: string,
  spec: OciSpec,
  hinted: (mounts: readonly ResolvedMount[]) => ResolvedMount[],
): OciSpec {
  const { linux, annotations, mounts, ...rest } = spec as Spec;
  return {
    ...rest,
    annotations: { ...annotations, 'io.kubernetes.cri.sandbox-id': sandboxName(pod.id) },
    mounts: hinted(mounts.filter(isOfSentry).map(sharingShm)).map((mount) => ({
      ...mount,
      options: mount.options.map(optionOfSentry),
    })),
    linux: linuxOf(linux, id),
  };
}

/** The sentry serves its own. */
function isOfSentry({ type }: ResolvedMount): boolean {
  return type !== 'mqueue' && type !== 'cgroup';
}

/** All of a volume is behind one mount of the sentry's, so read-only is recursive there. */
function optionOfSentry(option: string): string {
  return option === 'rro' ? 'ro' : option;
}

/** Cgroups and devices are the sentry's affair; its one root propagates nothing. Namespaces are names to it. */
function linuxOf(linux: Spec['linux'], id: string): OciSpec {
  const { cgroupsPath: _cgroup, resources: _resources, devices: _devices, rootfsPropagation: _, ...rest } = linux;
  return { ...rest, namespaces: linux.namespaces.filter(({ type }) => type !== 'cgroup').map((one) => named(one, id)) };
}

function named(namespace: Namespace, id: string): Namespace {
  if (namespace.type !== 'pid' || namespace.path !== undefined) return namespace;
  return { type: 'pid', path: ownPidNamespace(id) };
}
