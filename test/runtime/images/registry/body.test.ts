import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chunksOf, readBody } from '../../../../runtime/images/registry/body.js';
import { until } from '../../../support/until.js';
import type { FaultyServer } from './faulty-server.js';
import { fails, live, NO_TRUST, serve, transportWith } from './parts.js';

/** The answer of a server that sends what `send` does. */
async function answerOf(
  t: TestContext,
  send: (response: ServerResponse) => void,
): Promise<{ response: IncomingMessage; server: FaultyServer }> {
  const server = await serve(t, (_, response) => send(response));
  const url = new URL(`http://${server.host}/`);
  return { server, response: await transportWith().request(url, NO_TRUST, { method: 'GET', headers: {} }, live()) };
}

const closed = (server: FaultyServer) => until(async () => (await server.open()) === 0, 'the connection ends');

test('a body of the very size that is allowed is read, one byte more is not', async (t) => {
  for (const declared of [true, false]) {
    const body = (size: number) => (response: ServerResponse) => {
      if (declared) response.setHeader('content-length', size);
      response.write('x'.repeat(size - 1));
      response.end('y');
    };
    const whole = await answerOf(t, body(1000));
    assert.equal((await readBody('GET', whole.response, 1000, 1000))?.length, 1000);
    const larger = await answerOf(t, body(1001));
    assert.equal(await readBody('GET', larger.response, 1000, 1000), undefined);
    await closed(larger.server);
  }
});

test('an endless body is left as soon as it is too large', async (t) => {
  const { response, server } = await answerOf(t, (answer) => {
    const more = (): void => {
      if (!answer.destroyed) answer.write(Buffer.alloc(1000), () => setImmediate(more));
    };
    more();
  });
  assert.equal(await readBody('GET', response, 10_000, 1000), undefined);
  await closed(server);
});

test('silence is a failure that may pass, and names the question', async (t) => {
  const { response, server } = await answerOf(t, (answer) => void answer.write('some'));
  await assert.rejects(readBody('GET http://x', response, 1000, 50), (error: unknown) => {
    assert.ok(error instanceof Error && 'retryable' in error && error.retryable === true);
    return fails('UNAVAILABLE', /^GET http:\/\/x: no byte for 50 ms$/)(error);
  });
  await closed(server);
});

test('a reader that takes its time is no silence, and silence after it is', async (t) => {
  const { response } = await answerOf(t, (answer) => {
    answer.write('one');
    setTimeout(() => answer.write('two'), 10);
  });
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of chunksOf('GET', response, 60)) {
      seen.push(String(chunk));
      if (seen.length === 1) await sleep(150);
    }
  };
  await assert.rejects(read(), fails('UNAVAILABLE', /no byte for 60 ms/));
  assert.equal(seen.join(''), 'onetwo');
});

test('a drip that never pauses for long is read to its end', async (t) => {
  const { response } = await answerOf(t, (answer) => {
    let left = 8;
    const drip = setInterval(() => {
      if (left-- > 0) return answer.write('.');
      clearInterval(drip);
      return answer.end();
    }, 30);
  });
  assert.equal(String(await readBody('GET', response, 1000, 200)), '........');
});

test('a body that breaks off is no whole body', async (t) => {
  for (const headers of [{ 'content-length': 100 }, {}]) {
    const { response } = await answerOf(t, (answer) => {
      answer.writeHead(200, headers);
      answer.write('half', () => setTimeout(() => answer.destroy(), 5));
    });
    await assert.rejects(readBody('GET', response, 1000, 1000), fails('UNAVAILABLE', /aborted/));
  }
});

test('leaving the loop ends the connection', async (t) => {
  const { response, server } = await answerOf(t, (answer) => void answer.write('first'));
  for await (const chunk of chunksOf('GET', response, 1000)) {
    assert.equal(String(chunk), 'first');
    break;
  }
  await closed(server);
});
