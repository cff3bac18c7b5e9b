/**
 * Frames of SPDY/3.1, the protocol in which kubelets and crictl carry exec, attach and port-forward. Numbers and
 * layouts: "SPDY Protocol - Draft 3.1", sections 2.2 and 2.6.
 */

export const VERSION = 3;

export const FRAME_TYPE = {
  SYN_STREAM: 1,
  SYN_REPLY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  HEADERS: 8,
  WINDOW_UPDATE: 9,
} as const;

/** On a data frame, SYN_STREAM, SYN_REPLY or HEADERS: its sender sends nothing more on this stream. */
export const FLAG_FIN = 1;
/** On a SYN_STREAM: its receiver sends nothing on this stream. */
export const FLAG_UNIDIRECTIONAL = 2;

export const RST_STATUS = {
  PROTOCOL_ERROR: 1,
  INVALID_STREAM: 2,
  REFUSED_STREAM: 3,
  CANCEL: 5,
  INTERNAL_ERROR: 6,
  FLOW_CONTROL_ERROR: 7,
  STREAM_IN_USE: 8,
} as const;

export type RstStatus = (typeof RST_STATUS)[keyof typeof RST_STATUS];

export const GOAWAY_STATUS = { OK: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2 } as const;

export type GoAwayStatus = (typeof GOAWAY_STATUS)[keyof typeof GOAWAY_STATUS];

/** The one id in a SETTINGS frame that matters here: the window of each stream at its begin, in bytes. */
export const SETTINGS_INITIAL_WINDOW_SIZE = 7;

/** The window of a stream and of a session at their begin, in bytes. */
export const DEFAULT_WINDOW = 64 * 1024;

/** Largest stream id, and largest window. */
export const MAX_INT31 = 0x7fffffff;

/** Names are lower-case. */
export type Headers = ReadonlyMap<string, string>;

/** A frame as it is read. Header blocks are still compressed: they must be inflated in the order in which they come. */
export type Frame =
  | {
      readonly type: 'syn-stream';
      readonly streamId: number;
      readonly fin: boolean;
      readonly unidirectional: boolean;
      readonly block: Buffer;
    }
  | { readonly type: 'syn-reply'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'headers'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'settings'; readonly initialWindow: number | undefined }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway'; readonly lastStreamId: number; readonly status: number }
  | { readonly type: 'window-update'; readonly streamId: number; readonly delta: number }
  /** A piece of a data frame; `fin` on its last piece only. */
  | { readonly type: 'data'; readonly streamId: number; readonly data: Buffer; readonly fin: boolean };

/** The peer broke the protocol: the session ends with a GOAWAY. */
export class SpdyError extends Error {
  override readonly name = 'SpdyError';
}
