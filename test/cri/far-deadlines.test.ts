/** Deadlines as they come on the wire; a whole call with one is in server.test.ts. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { test } from 'node:test';
import { Server } from '@grpc/grpc-js';
import { forgetFarDeadlines } from '../../cri/far-deadlines.js';

/** What is left of the header when others read it. */
async function left(timeout: string): Promise<string | undefined> {
  const server = http2.createServer();
  const seen: (string | undefined)[] = [];
  server.on('stream', (stream, headers) => {
    seen.push(headers['grpc-timeout'] as string | undefined);
    stream.respond({ ':status': 200 }, { endStream: true });
  });
  // As grpc-js has it, whose own listener was there before.
  forgetFarDeadlines({ http2Servers: new Map([[server, {}]]) } as unknown as Server);
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
  const address = server.address();
  const client = http2.connect(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
  try {
    const request = client.request({ ':path': '/', 'grpc-timeout': timeout });
    request.resume().end();
    await once(request, 'close');
    return seen[0];
  } finally {
    client.close();
    server.close();
  }
}

test('only what 32 bits of milliseconds cannot hold is taken away, whatever its unit', async () => {
  for (const near of ['2147483S', '35791M', '596H', '99999999m', '99999999u', '99999999n', '0S', '1S']) {
    assert.equal(await left(near), near, near);
  }
  for (const far of ['2147484S', '35792M', '597H', '99999999H', '99999999S'])
    assert.equal(await left(far), undefined, far);
});

test('what is no timeout stays, to be refused by whoever reads it', async () => {
  for (const wrong of ['soon', '999999999S', '99999999D', '-1S', '99999999 H', '1e9S']) {
    assert.equal(await left(wrong), wrong, wrong);
  }
});

test('a grpc-js that keeps its servers elsewhere is left alone', () => {
  forgetFarDeadlines(new Server());
  forgetFarDeadlines({} as unknown as Server);
});
