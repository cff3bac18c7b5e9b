/**
 * From facts to the config.json of the OCI runtime spec. `buildSpec` is pure: everything that had to be looked up on
 * the host or in the image is in its input (users.ts, devices.ts, host.ts, seccomp/localhost.ts find it out).
 */

import { toHostId } from '../containers/id-mappings.js';
import { CribError } from '../errors.js';
import { capabilitySets } from './capabilities.js';
import { checkAbsolute, checkText, invalid } from './checks.js';
import { deviceNodes, deviceRules } from './device-nodes.js';
import { mounts, rootfsPropagation } from './mounts.js';
import { idMappingsOf, namespaces } from './namespaces.js';
import { processArgs, processCwd, processEnv } from './process.js';
import { buildResources, oomScoreAdj } from './resources.js';
import { hiddenPaths, seccompProfile } from './security.js';
import { selinuxLabels } from './selinux.js';
import type { BuildSpec, HostFacts, OciSpec, PodUserNamespace, ResolvedUser, SpecInput } from './types.js';

export { buildResources } from './resources.js';

const OCI_VERSION = '1.0.2';

/**
 * Throws CribError only: INVALID_ARGUMENT naming the CRI field, FAILED_PRECONDITION for what this host cannot do,
 * UNIMPLEMENTED for what crib cannot do yet.
 */
export const buildSpec: BuildSpec = (input): OciSpec => {
  checkSupported(input);
  const capabilities = capabilitySets(input.config.security, input.host);
  const uts = input.namespaces.uts;
  return {
    ociVersion: OCI_VERSION,
    process: process(input, capabilities),
    root: { path: checkAbsolute('the root file system', input.rootfs), readonly: input.config.security.readonlyRootfs },
    // In a namespace that is joined, the pod has set it, and the runtime may not.
    ...(uts === 'new' ? { hostname: input.pod.hostname } : {}),
    mounts: mounts(input),
    linux: linux(input, capabilities.bounding),
    annotations: annotations(input),
  };
};

function checkSupported({ config, pod, user, namespaces }: SpecInput): void {
  if (config.security.privileged && !pod.privileged) {
    throw invalid('config.linux.security_context.privileged', 'the pod sandbox was not made privileged');
  }
  if (namespaces.user !== undefined) checkMapped(user, namespaces.user);
  else if (config.security.namespaces.user !== undefined) {
    throw new CribError('INTERNAL', 'a user namespace was asked for, and the pod has none: not run without');
  }
}

/** The kernel says only EINVAL to a process that becomes somebody whom its namespace does not have. */
function checkMapped(user: ResolvedUser, { uids, gids }: PodUserNamespace): void {
  const field = 'config.linux.security_context';
  if (toHostId(uids, user.uid) === undefined) {
    throw invalid(`${field}.run_as_user`, `user ${user.uid} is not mapped in the pod's user namespace`);
  }
  const group = [user.gid, ...user.additionalGids].find((gid) => toHostId(gids, gid) === undefined);
  if (group === undefined) return;
  throw invalid(`${field}.supplemental_groups`, `group ${group} is not mapped in the pod's user namespace`);
}

function process(input: SpecInput, capabilities: unknown): OciSpec {
  const { config, image, user, host, apparmorProfile } = input;
  const selinux = selinuxLabels(input.config.security, input.host);
  return {
    terminal: config.tty,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: processArgs(config, image),
    env: processEnv(input),
    cwd: processCwd(config, image),
    capabilities,
    noNewPrivileges: config.security.noNewPrivs,
    oomScoreAdj: oomScoreAdj(config.resources, host),
    ...resourceLimits(host),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinux === undefined ? {} : { selinuxLabel: selinux.process }),
  };
}

/** An OCI runtime in Go may hand on the soft limit that Go has raised for itself (runc 1.1). */
function resourceLimits({ openFiles }: HostFacts): OciSpec {
  if (openFiles === undefined) return {};
  const [soft, hard] = [Number(openFiles.soft), Number(openFiles.hard)];
  return Number.isSafeInteger(hard) ? { rlimits: [{ type: 'RLIMIT_NOFILE', soft, hard }] } : {};
}

function linux(input: SpecInput, bounding: readonly string[]): OciSpec {
  const { masked, readonly } = hiddenPaths(input);
  const { user } = input.namespaces;
  const seccomp = seccompProfile(input, bounding);
  const selinux = selinuxLabels(input.config.security, input.host);
  const propagation = rootfsPropagation(input.mounts);
  return {
    namespaces: namespaces(input),
    ...(user === undefined ? {} : idMappingsOf(user)),
    cgroupsPath: checkCgroup(input.cgroupsPath),
    resources: { ...buildResources(input.config.resources, input.host), devices: deviceRules(input) },
    devices: deviceNodes(input),
    maskedPaths: masked,
    readonlyPaths: readonly,
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(selinux === undefined ? {} : { mountLabel: selinux.mount }),
  };
}

/**
 * The ones that containerd writes, which runsc and node tools read. Those of the pod and of the container are not
 * handed on: some (`run.oci.*`) are orders to the OCI runtime, and the client may not give it any.
 */
function annotations({ config, pod }: SpecInput): Record<string, string> {
  return {
    'io.kubernetes.cri.container-type': 'container',
    'io.kubernetes.cri.sandbox-id': pod.id,
    'io.kubernetes.cri.sandbox-name': pod.name,
    'io.kubernetes.cri.sandbox-namespace': pod.namespace,
    'io.kubernetes.cri.sandbox-uid': pod.uid,
    'io.kubernetes.cri.container-name': config.metadata.name,
    'io.kubernetes.cri.image-name': config.image.userSpecifiedImage || config.image.image,
  };
}

/** A path, or `slice:prefix:id` where systemd makes the cgroup. */
function checkCgroup(value: string): string {
  const field = 'the cgroup of the container';
  return /^[^/:]+\.slice:[^/:]+:[^/:]+$/.test(value) ? checkText(field, value) : checkAbsolute(field, value);
}
