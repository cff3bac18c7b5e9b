/** Moves what a client writes to a process, at the process's pace. */

import type { Readable, Writable } from 'node:stream';

/**
 * Owns `sink`, not `source`. With `endsSink` its end follows that of the source; a terminal stays open, as it knows no
 * end. When the process takes no more, what the client still sends is read and dropped. Returns the way to stop.
 */
export function pumpInput(source: Readable, sink: Writable, endsSink: boolean): () => void {
  const stop = () => {
    source.unpipe(sink);
    if (!source.destroyed) source.resume();
  };
  sink.on('error', stop); // EPIPE, EIO: the process has closed it
  sink.on('close', stop);
  source.pipe(sink, { end: endsSink });
  return () => {
    stop();
    sink.destroy();
  };
}
