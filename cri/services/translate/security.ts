/** Security contexts of pods and containers, with the deprecated string fields in the words of the current ones. */

import type {
  ContainerSecurity,
  IdMapping,
  NamespaceMode,
  NamespaceOptions,
  SecurityProfile,
  SelinuxOptions,
} from '../../../runtime/containers/config.js';
import { checkIdMappings, checkRootMapped } from '../../../runtime/containers/id-mappings.js';
import type { PodSecurity } from '../../../sandbox/config.js';
import type * as api from '../../api/generated/index.js';
import { absolutePath, enumOf, idOf, integer, noNul, refuse, requiredText } from '../validate.js';

const MODES: readonly NamespaceMode[] = ['pod', 'container', 'node', 'target'];
const PROFILE_TYPES = ['runtime-default', 'unconfined', 'localhost'] as const;
const GROUP_POLICIES = ['merge', 'strict'] as const;
const MAX_ID = 2 ** 32 - 2;

/** Absent, it is the enum's zero: everything of the pod's. */
const POD_NAMESPACES: NamespaceOptions = { network: 'pod', pid: 'pod', ipc: 'pod', targetId: '', user: undefined };

export function podSecurity(message: api.LinuxSandboxSecurityContext | undefined, field: string): PodSecurity {
  return {
    privileged: message?.privileged ?? false,
    namespaces: namespaces(message?.namespaceOptions, `${field}.namespace_options`),
    selinux: selinux(message?.selinuxOptions),
    runAsUser: id(message?.runAsUser, `${field}.run_as_user`),
    runAsGroup: id(message?.runAsGroup, `${field}.run_as_group`),
    readonlyRootfs: message?.readonlyRootfs ?? false,
    supplementalGroups: groups(message?.supplementalGroups ?? [], `${field}.supplemental_groups`),
    seccomp: seccomp(message?.seccomp, message?.seccompProfilePath ?? '', field),
    apparmor: profile(message?.apparmor, `${field}.apparmor`),
  };
}

export function containerSecurity(
  message: api.LinuxContainerSecurityContext | undefined,
  field: string,
): ContainerSecurity {
  const capabilities = message?.capabilities;
  return {
    privileged: message?.privileged ?? false,
    namespaces: namespaces(message?.namespaceOptions, `${field}.namespace_options`),
    addCapabilities: capabilities?.addCapabilities ?? [],
    dropCapabilities: capabilities?.dropCapabilities ?? [],
    addAmbientCapabilities: capabilities?.addAmbientCapabilities ?? [],
    selinux: selinux(message?.selinuxOptions),
    runAsUser: id(message?.runAsUser, `${field}.run_as_user`),
    runAsGroup: id(message?.runAsGroup, `${field}.run_as_group`),
    runAsUsername: noNul(message?.runAsUsername ?? '', `${field}.run_as_username`),
    readonlyRootfs: message?.readonlyRootfs ?? false,
    supplementalGroups: groups(message?.supplementalGroups ?? [], `${field}.supplemental_groups`),
    supplementalGroupsPolicy: enumOf(
      message?.supplementalGroupsPolicy ?? 0,
      GROUP_POLICIES,
      `${field}.supplemental_groups_policy`,
    ),
    noNewPrivs: message?.noNewPrivs ?? false,
    maskedPaths: paths(message?.maskedPaths ?? [], `${field}.masked_paths`),
    readonlyPaths: paths(message?.readonlyPaths ?? [], `${field}.readonly_paths`),
    seccomp: seccomp(message?.seccomp, message?.seccompProfilePath ?? '', field),
    apparmor: apparmor(message, field),
  };
}

function namespaces(message: api.NamespaceOption | undefined, field: string): NamespaceOptions {
  if (message === undefined) return POD_NAMESPACES;
  const options: NamespaceOptions = {
    network: enumOf(message.network, MODES, `${field}.network`),
    pid: enumOf(message.pid, MODES, `${field}.pid`),
    ipc: enumOf(message.ipc, MODES, `${field}.ipc`),
    targetId: message.targetId === '' ? '' : idOf(message.targetId, `${field}.target_id`),
    user: userNamespace(message.usernsOptions, `${field}.userns_options`),
  };
  for (const kind of ['network', 'ipc'] as const) {
    const mode = options[kind];
    if (mode === 'container' || mode === 'target') refuse(`${field}.${kind}`, `cannot be ${mode.toUpperCase()}`);
  }
  if (options.pid === 'target') requiredText(options.targetId, `${field}.target_id`);
  return options;
}

function userNamespace(message: api.UserNamespace | undefined, field: string): NamespaceOptions['user'] {
  if (message === undefined) return undefined;
  const mode = enumOf(message.mode, MODES, `${field}.mode`);
  if (mode === 'node') {
    if (message.uids.length + message.gids.length > 0) refuse(field, 'has mappings although its mode is NODE');
    return undefined;
  }
  if (mode !== 'pod') refuse(`${field}.mode`, `cannot be ${mode.toUpperCase()}`);
  const user = { uids: idMappings(message.uids), gids: idMappings(message.gids) };
  checkIdMappings(user, field, ['uids', 'gids']);
  checkRootMapped(user, field);
  return user;
}

export function idMappings(messages: readonly api.IDMapping[]): IdMapping[] {
  return messages.map(({ hostId, containerId, length }) => ({ hostId, containerId, length }));
}

function selinux(message: api.SELinuxOption | undefined): SelinuxOptions | undefined {
  if (message === undefined) return undefined;
  const { user, role, type, level } = message;
  return user + role + type + level === '' ? undefined : { user, role, type, level };
}

function id(message: api.Int64Value | undefined, field: string): number | undefined {
  return message === undefined ? undefined : integer(message.value, field, 0, MAX_ID);
}

function groups(values: readonly bigint[], field: string): number[] {
  return values.map((value, index) => integer(value, `${field}[${index}]`, 0, MAX_ID));
}

function paths(values: readonly string[], field: string): string[] {
  return values.map((value, index) => absolutePath(value, `${field}[${index}]`));
}

function profile(message: api.SecurityProfile | undefined, field: string): SecurityProfile | undefined {
  if (message === undefined) return undefined;
  const type = enumOf(message.profileType, PROFILE_TYPES, `${field}.profile_type`);
  if (type === 'localhost') requiredText(message.localhostRef, `${field}.localhost_ref`);
  return { type, localhostRef: message.localhostRef };
}

function seccomp(
  message: api.SecurityProfile | undefined,
  deprecated: string,
  field: string,
): SecurityProfile | undefined {
  const found = profile(message, `${field}.seccomp`) ?? named(deprecated, `${field}.seccomp_profile_path`);
  if (found?.type === 'localhost') absolutePath(found.localhostRef, `${field}.seccomp.localhost_ref`);
  return found;
}

function apparmor(message: api.LinuxContainerSecurityContext | undefined, field: string): SecurityProfile | undefined {
  return (
    profile(message?.apparmor, `${field}.apparmor`) ??
    named(message?.apparmorProfile ?? '', `${field}.apparmor_profile`)
  );
}

/** `runtime/default`, `unconfined`, `localhost/REF`: how profiles were named before SecurityProfile. */
function named(text: string, field: string): SecurityProfile | undefined {
  if (text === '') return undefined;
  if (text === 'runtime/default' || text === 'docker/default') return { type: 'runtime-default', localhostRef: '' };
  if (text === 'unconfined') return { type: 'unconfined', localhostRef: '' };
  if (text.startsWith('localhost/')) return { type: 'localhost', localhostRef: text.slice('localhost/'.length) };
  return refuse(field, 'must be runtime/default, unconfined or localhost/PROFILE');
}
