/** ContainerConfig. */

import type {
  ContainerConfig,
  DeviceConfig,
  ImageSpec,
  MountConfig,
  MountPropagation,
} from '../../../runtime/containers/config.js';
import * as api from '../../api/generated/index.js';
import {
  absolutePath,
  enumOf,
  fileBelow,
  labels,
  matching,
  nameOf,
  noNul,
  pathBelow,
  refuse,
  required,
  requiredText,
} from '../validate.js';
import { resourcesOf } from './resources.js';
import { containerSecurity, idMappings } from './security.js';

const PROPAGATIONS: readonly MountPropagation[] = ['private', 'host-to-container', 'bidirectional'];
const SIGNALS = new Map<number, string>(Object.entries(api.Signal).map(([name, number]) => [number, name]));

/** Throws INVALID_ARGUMENT naming the field below `field`. */
export function containerConfigOf(message: api.ContainerConfig | undefined, field: string): ContainerConfig {
  const config = required(message, field);
  const metadata = required(config.metadata, `${field}.metadata`);
  if (config.windows !== undefined) refuse(`${field}.windows`, 'is set, but this is a Linux node');
  const text = (value: string, name: string) => noNul(value, `${field}.${name}`);
  return {
    metadata: { name: nameOf(metadata.name, `${field}.metadata.name`), attempt: metadata.attempt },
    image: imageOf(config.image, `${field}.image`),
    command: config.command.map((word, index) => text(word, `command[${index}]`)),
    args: config.args.map((word, index) => text(word, `args[${index}]`)),
    workingDir: config.workingDir === '' ? '' : absolutePath(config.workingDir, `${field}.working_dir`),
    envs: config.envs.map((entry, index) => environment(entry, `${field}.envs[${index}]`)),
    mounts: config.mounts.map((mount, index) => mountOf(mount, `${field}.mounts[${index}]`)),
    devices: config.devices.map((device, index) => deviceOf(device, `${field}.devices[${index}]`)),
    cdiDevices: config.cdiDevices.map((device, index) => text(device.name, `CDI_devices[${index}].name`)),
    labels: labels(config.labels, `${field}.labels`),
    annotations: labels(config.annotations, `${field}.annotations`),
    logPath: config.logPath === '' ? '' : fileBelow(config.logPath, `${field}.log_path`),
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
    tty: config.tty,
    resources: resourcesOf(config.linux?.resources, `${field}.linux.resources`),
    security: containerSecurity(config.linux?.securityContext, `${field}.linux.security_context`),
    stopSignal: signalName(config.stopSignal, `${field}.stop_signal`),
  };
}

export function imageOf(message: api.ImageSpec | undefined, field: string): ImageSpec {
  const image = required(message, field);
  return {
    image: nameOf(image.image, `${field}.image`),
    userSpecifiedImage: image.userSpecifiedImage,
    annotations: labels(image.annotations, `${field}.annotations`),
  };
}

function environment(entry: api.KeyValue, field: string): { key: string; value: string } {
  requiredText(entry.key, `${field}.key`);
  if (entry.key.includes('=')) refuse(`${field}.key`, 'must not contain "="');
  return { key: noNul(entry.key, `${field}.key`), value: noNul(entry.value, `${field}.value`) };
}

function mountOf(mount: api.Mount, field: string): MountConfig {
  const image = mount.image?.image ? imageOf(mount.image, `${field}.image`) : undefined;
  return {
    containerPath: absolutePath(mount.containerPath, `${field}.container_path`),
    hostPath: image === undefined ? absolutePath(mount.hostPath, `${field}.host_path`) : '',
    readonly: mount.readonly,
    recursiveReadOnly: mount.recursiveReadOnly,
    selinuxRelabel: mount.selinuxRelabel,
    propagation: enumOf(mount.propagation, PROPAGATIONS, `${field}.propagation`),
    uidMappings: idMappings(mount.uidMappings),
    gidMappings: idMappings(mount.gidMappings),
    image,
    imageSubPath: imageSubPath(mount, field),
  };
}

/** CRI Mount: an image is mounted read-only, in place of a host path; a part of it is named below its root. */
function imageSubPath(mount: api.Mount, field: string): string {
  if (!mount.image?.image) {
    if (mount.imageSubPath !== '') refuse(`${field}.image_sub_path`, 'is set without image');
    return '';
  }
  if (mount.hostPath !== '') refuse(`${field}.host_path`, 'is set together with image');
  if (!mount.readonly) refuse(`${field}.readonly`, 'must be set with image: an image is not written to');
  return pathBelow(mount.imageSubPath, `${field}.image_sub_path`);
}

function deviceOf(device: api.Device, field: string): DeviceConfig {
  return {
    containerPath: absolutePath(device.containerPath, `${field}.container_path`),
    hostPath: absolutePath(device.hostPath, `${field}.host_path`),
    permissions: matching(device.permissions, /^[rwm]{1,3}$/, 'one or more of r, w and m', `${field}.permissions`),
  };
}

/** `SIGRTMINPLUS3` is `SIGRTMIN+3` everywhere else; RUNTIME_DEFAULT is no signal of its own. */
function signalName(value: number, field: string): string {
  const name = SIGNALS.get(value) ?? refuse(field, `is ${value}, which is no signal`);
  return name === 'RUNTIME_DEFAULT' ? '' : name.replace('PLUS', '+').replace('MINUS', '-');
}

/** The enum's value for a signal's name; RUNTIME_DEFAULT for one that the enum lacks (an image may name any). */
export function signalValue(name: string): number {
  const wanted = name.toUpperCase().replace('+', 'PLUS').replace('-', 'MINUS');
  const full = wanted.startsWith('SIG') ? wanted : `SIG${wanted}`;
  const values: Readonly<Record<string, number>> = api.Signal;
  return values[full] ?? api.Signal.RUNTIME_DEFAULT;
}
