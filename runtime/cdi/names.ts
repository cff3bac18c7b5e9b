/** Names of CDI devices, `vendor.com/class=name`, and where a container asks for them. */

import type { ContainerConfig } from '../containers/config.js';
import { CribError } from '../errors.js';

/** Annotations that begin so hold devices, separated by commas: the form from before the CRI had a field. */
const ANNOTATION = 'cdi.k8s.io/';

const VENDOR = /^[A-Za-z](?:[\w.-]*[A-Za-z0-9])?$/;
const DEVICE = /^[A-Za-z0-9](?:[\w.:-]*[A-Za-z0-9])?$/;

/** `vendor/class`, both as the CDI specification allows them ("Kind"). */
export function isKind(text: string): boolean {
  const parts = text.split('/');
  return parts.length === 2 && parts.every((part) => VENDOR.test(part));
}

export function isDeviceName(text: string): boolean {
  return DEVICE.test(text);
}

/** The kind of a qualified name; undefined where it is not one. */
export function kindOf(qualified: string): string | undefined {
  const at = qualified.indexOf('=');
  const kind = qualified.slice(0, Math.max(at, 0));
  return isKind(kind) && isDeviceName(qualified.slice(at + 1)) ? kind : undefined;
}

/**
 * The devices that a container asks for, each once, in the order of CDI_devices and then of the annotations: a kubelet
 * fills both. Throws INVALID_ARGUMENT naming the field for one that is not a qualified name.
 */
export function requestedDevices(config: Pick<ContainerConfig, 'cdiDevices' | 'annotations'>): string[] {
  const found = new Set<string>();
  const add = (name: string, field: string) => {
    if (kindOf(name) === undefined) {
      const message = `${field}: ${JSON.stringify(name.slice(0, 256))} is not of the form vendor.com/class=name`;
      throw new CribError('INVALID_ARGUMENT', message);
    }
    found.add(name);
  };
  for (const [index, name] of config.cdiDevices.entries()) add(name, `config.CDI_devices[${index}].name`);
  for (const [key, value] of Object.entries(config.annotations)) {
    if (!key.startsWith(ANNOTATION)) continue;
    for (const name of value.split(',')) add(name.trim(), `config.annotations[${key}]`);
  }
  return [...found];
}
