import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { it } from 'node:test';
import fc from 'fast-check';
import { SpdyConnection } from '../../../../cri/streaming/spdy/connection.js';
import { FrameReader } from '../../../../cri/streaming/spdy/frame-reader.js';
import { fuzzed } from '../../../support/fuzz.js';
import { spdyBytes } from './spdy-bytes.js';

it(
  'whatever a peer sends, the session answers in frames and ends with its transport',
  fuzzed(fc.tuple(spdyBytes, fc.boolean(), fc.boolean()), async ([bytes, reads, accepts]) => {
    const reader = new FrameReader();
    let answers = 0;
    const transport = new Duplex({
      read() {},
      write: (chunk: Buffer, _encoding, callback) => {
        for (const _ of reader.read(chunk)) answers++;
        callback();
      },
    });
    const connection = new SpdyConnection({
      transport,
      role: 'server',
      idleTimeoutMs: 60_000,
      maxStreams: 3,
      onStream: (stream) => {
        if (reads) stream.pipe(stream);
        return accepts;
      },
    });
    transport.push(bytes);
    transport.push(null);
    if (!connection.signal.aborted) await once(connection.signal, 'abort');
    assert.ok(answers <= bytes.length, 'no more answers than there was to answer');
  }),
);
