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
import { absolutePath, enumOf, idOf, integer, matching, noNul, refuse, requiredText } from '../validate.js';

const MODES: readonly NamespaceMode[] = ['pod', 'container', 'node', 'target'];
const PROFILE_TYPES = ['runtime-default', 'unconfined', 'localhost'] as const;
const GROUP_POLICIES = ['merge', 'strict'] as const;
const MAX_ID = 2 ** 32 - 2;

/** Absent, it is the enum's zero: everything of the pod's. */
const POD_NAMESPACES: NamespaceOptions = { network: 'pod', pid: 'pod', ipc: 'pod', targetId: '', user: undefined };

export function podSecurity(message: api.LinuxSandboxSecurityContext | undefined, field: string): PodSecurity {
  // There is no process of the pod itself that could have groups of an image.
  enumOf(message?.supplementalGroupsPolicy ?? 0, GROUP_POLICIES, `${field}.supplemental_groups_policy`);
  return {
    privileged: message?.privileged ?? false,
    namespaces: podNamespaces(message?.namespaceOptions, `${field}.namespace_options`),
    selinux: selinux(message?.selinuxOptions, `${field}.selinux_options`),
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
    selinux: selinux(message?.selinuxOptions, `${field}.selinux_options`),
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

/** A pod is there before any of its containers, so none of them can be its target. */
function podNamespaces(message: api.NamespaceOption | undefined, field: string): NamespaceOptions {
  const options = namespaces(message, field);
  return options.pid === 'target' ? refuse(`${field}.pid`, 'cannot be TARGET for a pod') : options;
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

/** Checked also where the host has no SELinux: what a label is does not depend on it. A level has colons of its own. */
function selinux(message: api.SELinuxOption | undefined, field: string): SelinuxOptions | undefined {
  if (message === undefined) return undefined;
  const { user, role, type, level } = message;
  for (const [part, text] of Object.entries({ user, role, type })) {
    matching(text, /^\w{0,255}$/, 'part of a SELinux label', `${field}.${part}`);
  }
  matching(level, /^[\w:.,-]{0,1024}$/, 'the level of a SELinux label', `${field}.level`);
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
  return { type, localhostRef: noNul(message.localhostRef, `${field}.localhost_ref`) };
}

function seccomp(
  message: api.SecurityProfile | undefined,
  deprecated: string,
  field: string,
): SecurityProfile | undefined {
  const current = profile(message, `${field}.seccomp`);
  const found = current ?? named(deprecated, `${field}.seccomp_profile_path`);
  if (found?.type === 'localhost') {
    const name = current === undefined ? 'seccomp_profile_path' : 'seccomp.localhost_ref';
    absolutePath(found.localhostRef, `${field}.${name}`);
  }
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
  if (text.startsWith('localhost/')) {
    return { type: 'localhost', localhostRef: noNul(text.slice('localhost/'.length), field) };
  }
  return refuse(field, 'must be runtime/default, unconfined or localhost/PROFILE');
}
