import { type DeepPartial, encodeMessage, type MessageCodec } from '../api/wire.js';

/** Entries of one message of a streamed list: few enough messages. */
const MAX_ENTRIES = 128;

/** Bytes of one message: far below gRPC's limit, also where every entry has the largest annotations that are taken. */
const MAX_BYTES = 2 * 1024 * 1024;

/** Parts a list for a stream. No part is empty (CRI, StreamContainers): an empty list has none. */
export function* batches<T>(items: readonly DeepPartial<T>[], codec: MessageCodec<T>): Generator<DeepPartial<T>[]> {
  let part: DeepPartial<T>[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = encodeMessage(codec, item).length;
    if (part.length > 0 && (part.length === MAX_ENTRIES || bytes + size > MAX_BYTES)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += size;
  }
  if (part.length > 0) yield part;
}
