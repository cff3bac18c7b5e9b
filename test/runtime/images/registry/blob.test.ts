import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistrySession } from '../../../../runtime/images/registry-types.js';
import { digestOf, type Handler, QUICK } from './faulty-server.js';
import { fails, live, serve, sessionFor } from './parts.js';

const BLOB = randomBytes(300_000);
const DESCRIPTOR = { mediaType: 'application/octet-stream', digest: digestOf(BLOB), size: BLOB.length };

async function readBlob(session: RegistrySession, offset = 0, size = BLOB.length): Promise<Buffer> {
  const stream: Readable = await session.blob({ ...DESCRIPTOR, size }, offset, live());
  return buffer(stream);
}

const from = (range: string | undefined): number => Number(/bytes=([0-9]+)-/.exec(range ?? '')?.[1] ?? 0);

/** Sends what was asked for, but breaks off after `most` bytes. */
const breaking =
  (most: number): Handler =>
  (request, response) => {
    const start = from(request.headers.range);
    response.writeHead(start === 0 ? 200 : 206, {
      'content-length': BLOB.length - start,
      ...(start === 0 ? {} : { 'content-range': `bytes ${start}-${BLOB.length - 1}/${BLOB.length}` }),
    });
    const part = BLOB.subarray(start, start + most);
    response.write(part, () =>
      start + most < BLOB.length ? setTimeout(() => response.destroy(), 10) : response.end(),
    );
  };

test('a blob is taken up where the connection broke', async (t) => {
  const server = await serve(t, breaking(70_000));
  assert.ok((await readBlob(await sessionFor(t, server.host))).equals(BLOB));
  assert.ok(server.seen.length >= 4);
  assert.ok((await readBlob(await sessionFor(t, server.host), 299_000)).equals(BLOB.subarray(299_000)));
});

test('a registry without ranges is read from the start again', async (t) => {
  const server = await serve(t, (_, response, count) => {
    response.writeHead(200, { 'content-length': BLOB.length });
    if (count > 1) response.end(BLOB);
    else response.write(BLOB.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 10));
  });
  assert.ok((await readBlob(await sessionFor(t, server.host))).equals(BLOB));
});

test('a registry that refuses ranges is read from the start too, and its blob must be of the right size', async (t) => {
  let body = BLOB;
  const server = await serve(t, (request, response) => {
    if (request.headers.range === undefined) response.end(body);
    else response.writeHead(416, { 'content-range': `bytes */${BLOB.length}` }).end('no ranges here');
  });
  assert.ok((await readBlob(await sessionFor(t, server.host), 299_000)).equals(BLOB.subarray(299_000)));
  body = BLOB.subarray(0, 200_000);
  await assert.rejects(readBlob(await sessionFor(t, server.host), 299_000), fails('DATA_LOSS', /descriptor says/));
});

test('a stalled blob is taken up again, and given up on in the end', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': BLOB.length });
    response.flushHeaders();
  });
  await assert.rejects(readBlob(await sessionFor(t, server.host)), fails('UNAVAILABLE', /no byte for 200 ms/));
  assert.equal(server.seen.length, QUICK.attempts);
});

test('a blob of another size than its descriptor is refused', async (t) => {
  const server = await serve(t, (_, response) => void response.end(BLOB));
  await assert.rejects(readBlob(await sessionFor(t, server.host), 0, 10), fails('DATA_LOSS', /descriptor/));
  const chunked = await serve(t, (_, response) => {
    response.write(BLOB);
    response.end('x');
  });
  await assert.rejects(readBlob(await sessionFor(t, chunked.host)), fails('DATA_LOSS', /more than/));
  const unsatisfiable = await serve(t, (_, response) => void response.writeHead(416).end());
  await assert.rejects(readBlob(await sessionFor(t, unsatisfiable.host), 5), fails('UNKNOWN', /HTTP status 416/));
  const wrongRange = await serve(t, (_, response) => {
    response.writeHead(206, { 'content-range': `bytes 9-${BLOB.length - 1}/${BLOB.length}` }).end(BLOB.subarray(9));
  });
  await assert.rejects(readBlob(await sessionFor(t, wrongRange.host), 5), fails('DATA_LOSS', /another range/));
});

test('cancelling ends the connection at once', async (t) => {
  const server = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': BLOB.length });
    response.write(BLOB.subarray(0, 10));
  });
  const session = await sessionFor(t, server.host);
  const abort = new AbortController();
  const stream = await session.blob(DESCRIPTOR, 0, abort.signal);
  setTimeout(() => abort.abort(), 20);
  await assert.rejects(buffer(stream), fails('CANCELLED', /caller went away/));
  const left = await session.blob(DESCRIPTOR, 0, live());
  left.destroy();
  await sleep(50);
  assert.equal(await server.open(), 0);
});

test('an offset outside of the blob asks nobody, the one at its end gives nothing', async (t) => {
  const server = await serve(t, (_, response) => void response.end(BLOB));
  const session = await sessionFor(t, server.host);
  for (const offset of [-1, 0.5, BLOB.length + 1, Number.NaN]) {
    await assert.rejects(readBlob(session, offset), fails('INVALID_ARGUMENT', /is no offset in 300000 bytes/));
  }
  assert.equal((await readBlob(session, BLOB.length)).length, 0);
  assert.equal(server.seen.length, 0);
});

test('a range that begins before the one that was asked for is cut, wherever its pieces end', async (t) => {
  const server = await serve(t, (_, response) => {
    const start = 290_000;
    response.writeHead(206, { 'content-range': `bytes ${start}-${BLOB.length - 1}/*` });
    let position = start;
    const more = (): void => {
      const piece = BLOB.subarray(position, position + 1500);
      position += piece.length;
      if (piece.length === 0) response.end();
      else response.write(piece, () => setImmediate(more));
    };
    more();
  });
  for (const offset of [290_000, 290_001, 291_499, 291_500, 291_501, 299_999]) {
    const got = await readBlob(await sessionFor(t, server.host), offset);
    assert.ok(got.equals(BLOB.subarray(offset)), String(offset));
  }
});

test('a range that is short of the end is taken up again, one of another blob is refused', async (t) => {
  const most = 100_000;
  const short = await serve(t, (request, response) => {
    const start = from(request.headers.range);
    const end = Math.min(start + most, BLOB.length);
    response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${BLOB.length}` });
    response.end(BLOB.subarray(start, end));
  });
  assert.ok((await readBlob(await sessionFor(t, short.host), 1)).equals(BLOB.subarray(1)));
  assert.equal(short.seen.length, 3);
  for (const range of ['bytes 5-9/10', 'bytes */300000', 'items 5-9/300000', '']) {
    const other = await serve(t, (_, response) => {
      response.writeHead(206, range === '' ? {} : { 'content-range': range }).end('other');
    });
    const session = await sessionFor(t, other.host);
    await assert.rejects(readBlob(session, 5), fails('DATA_LOSS', /another range|its descriptor says/), range);
    assert.equal(other.seen.length, 1, 'asking again would give the same');
  }
});

test('a blob goes on from the next mirror where the first breaks off, and the first is asked last', async (t) => {
  const first = await serve(t, (_, response) => {
    response.writeHead(200, { 'content-length': BLOB.length });
    response.write(BLOB.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 10));
  });
  const second = await serve(t, breaking(BLOB.length));
  const hosts = `server = "http://${second.host}"\n[host."http://${first.host}"]`;
  const session = await sessionFor(t, 'registry.example', { hosts });
  assert.ok((await readBlob(session)).equals(BLOB));
  assert.match(second.seen[0]?.headers.range ?? '', /^bytes=[1-9]/);
  assert.ok((await readBlob(session)).equals(BLOB));
  assert.equal(first.seen.length, 1);
});

test('a missing blob is told when it is opened, before anything is read', async (t) => {
  const server = await serve(t, (_, response) => void response.writeHead(404).end());
  const opening = (await sessionFor(t, server.host)).blob(DESCRIPTOR, 0, live());
  await assert.rejects(opening, fails('NOT_FOUND', /404/));
});
