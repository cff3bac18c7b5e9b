/** The contract of pod networking; CNI and crib's own bridge implement it. */

import type { DnsConfig, PodMetadata, PortMapping } from '../config.js';

export interface NetworkRequest {
  readonly podId: string;
  readonly metadata: PodMetadata;
  /** Path of the pinned network namespace. */
  readonly netns: string;
  readonly portMappings: readonly PortMapping[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly cgroupParent: string;
  readonly dns: DnsConfig | undefined;
}

export interface NetworkAttachment {
  /** Addresses without prefix length, the primary one first. */
  readonly ips: readonly string[];
  /** Name of the pod's default interface, `eth0`. */
  readonly interfaceName: string;
}

export interface NetworkReadiness {
  readonly ready: boolean;
  /** CamelCase, as a node condition wants: `NetworkPluginNotReady`. */
  readonly reason: string;
  readonly message: string;
}

export interface PodNetwork {
  /** Loads configuration and what was given to pods before. */
  open(): Promise<void>;
  close(): Promise<void>;
  /** Takes down what is shared by all pods (a bridge, firewall tables). Throws FAILED_PRECONDITION while a pod has it. */
  destroy(): Promise<void>;
  readiness(): NetworkReadiness;
  /** Writes down what it is about to give, gives it, and returns it. Undoes everything when it fails. */
  attach(request: NetworkRequest, signal: AbortSignal): Promise<NetworkAttachment>;
  /**
   * Takes back what `attach` gave, from its own record: also when the namespace, the plugin binaries or the
   * configuration are gone. Idempotent. What the kernel still does after it returns, `close` waits for; until it is
   * done the pod is among those of `attached`.
   */
  detach(podId: string, signal: AbortSignal): Promise<void>;
  /** What the pod was given, also one that is still being made; empty for one that nothing is known of. */
  addressesOf(podId: string): readonly string[];
  /** Pods that have something attached: start-up takes back those that exist no more. */
  attached(): readonly string[];
}
