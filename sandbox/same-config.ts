/**
 * Whether two requests are the same one. Maps have no order on the wire (protobuf.dev, "Maps"), and Go sends them in
 * another one each time: a kubelet's retry has its labels mixed.
 */

import { isDeepStrictEqual } from 'node:util';

/** By what is kept of them on disk, where a field without a value is not there. */
export function sameConfig(a: object, b: object): boolean {
  return isDeepStrictEqual(kept(a), kept(b));
}

function kept(config: object): unknown {
  return JSON.parse(JSON.stringify(config));
}
