/** Entries of one message of a streamed list: far below gRPC's limit, and few enough messages. */
const BATCH = 128;

/** Parts a list for a stream. An empty list is one empty part, so that the client sees an answer. */
export function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start === 0 || start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}
