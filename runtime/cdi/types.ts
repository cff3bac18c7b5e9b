/** A CDI specification (cncf-tags/container-device-interface, SPEC.md), read and checked. */

export interface CdiDeviceNode {
  /** In the container; on the host too where `hostPath` is empty. */
  readonly path: string;
  readonly hostPath: string;
  /** Empty: as the node on the host is. `u` is another word for `c`. */
  readonly type: '' | 'b' | 'c' | 'u' | 'p';
  /** undefined: as on the host. */
  readonly major: number | undefined;
  readonly minor: number | undefined;
  readonly fileMode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Any of r, w, m; empty: all. */
  readonly permissions: string;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type: string;
  readonly options: readonly string[];
}

export const HOOK_NAMES = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const;

export type HookName = (typeof HOOK_NAMES)[number];

/** A hook as the OCI runtime specification has it. */
export interface OciHook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

export interface ContainerEdits {
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly { readonly name: HookName; readonly hook: OciHook }[];
  readonly additionalGids: readonly number[];
  readonly intelRdt: boolean;
  readonly netDevices: boolean;
}

export interface CdiDevice {
  readonly name: string;
  readonly edits: ContainerEdits;
}

export interface CdiSpec {
  /** `vendor.com/class`. */
  readonly kind: string;
  readonly devices: readonly CdiDevice[];
  /** Made for any of its devices, once. */
  readonly edits: ContainerEdits;
}
