/** The W3C Trace Context header by which a client says of which trace its call is part. */

export interface TraceParent {
  /** 32 and 16 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** False: the client does not record this trace, so nobody below it does. */
  readonly sampled: boolean;
}

/**
 * `00-<trace id>-<span id>-<flags>`; a later version may have more behind it. undefined for anything else, which then
 * counts as absent (W3C, 3.2.2).
 */
export function parseTraceParent(header: string | undefined): TraceParent | undefined {
  const match = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(
    header ?? '',
  );
  const [, version, traceId, spanId, flags, more] = match ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (version === '00' && more !== undefined) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
