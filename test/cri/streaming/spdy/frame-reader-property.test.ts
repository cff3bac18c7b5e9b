import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../../../../cri/streaming/spdy/frame-reader.js';
import { type Frame, SpdyError } from '../../../../cri/streaming/spdy/frames.js';
import { fuzzed } from '../../../support/fuzz.js';
import { spdyBytes } from './spdy-bytes.js';

/** Frames until the first that is none; data joined, because its pieces follow the chunks. */
function read(chunks: readonly Buffer[]): { frames: Frame[]; broken: boolean } {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  try {
    for (const chunk of chunks) {
      for (const frame of reader.read(chunk)) {
        const last = frames.at(-1);
        const continues =
          frame.type === 'data' && last?.type === 'data' && !last.fin && last.streamId === frame.streamId;
        if (continues) frames[frames.length - 1] = { ...frame, data: Buffer.concat([last.data, frame.data]) };
        else frames.push(frame);
      }
    }
    return { frames, broken: false };
  } catch (error) {
    assert.ok(error instanceof SpdyError, String(error));
    return { frames, broken: true };
  }
}

const cut = fc.tuple(spdyBytes, fc.array(fc.nat({ max: 400 }), { maxLength: 6 }));

it(
  'any bytes are frames or a SpdyError, the same however they are cut',
  fuzzed(cut, ([bytes, cuts]) => {
    const places = [0, ...cuts.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length];
    const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index] ?? 0, place));
    assert.deepEqual(read(pieces), read([bytes]));
  }),
);
