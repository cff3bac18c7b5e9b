/** What a token stands for: an RPC's request, checked, with full ids. */

export interface CommandRequest {
  readonly kind: 'exec' | 'attach';
  readonly containerId: string;
  /** Empty for an attach. */
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Never with a terminal. */
  readonly stderr: boolean;
}

export interface PortForwardRequest {
  readonly kind: 'portforward';
  readonly podId: string;
  /** Used by WebSocket clients without SPDY only, whose channels are numbered by it. */
  readonly ports: readonly number[];
}

export type StreamRequest = CommandRequest | PortForwardRequest;

/** Limits that all protocols share. Milliseconds. */
export interface Timeouts {
  /** A session without traffic ends. */
  readonly idleMs: number;
  /** A client has this long to open the streams that it asked for. */
  readonly creationMs: number;
}

/** Those of the kubelet. */
export const TIMEOUTS: Timeouts = { idleMs: 4 * 3_600_000, creationMs: 30_000 };
