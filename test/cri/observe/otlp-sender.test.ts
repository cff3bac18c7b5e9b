import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { OtlpSender } from '../../../cri/observe/otlp-sender.js';
import type { Span } from '../../../cri/observe/span.js';
import { recordingLog } from '../../support/log.js';
import { until } from '../../support/until.js';

const span = (name: string): Span => ({
  ...{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), parentSpanId: '', name, kind: 'internal' },
  ...{ start: 1n, end: 2n, attributes: {}, error: undefined },
});

async function collector(context: TestContext, answer: (response: http.ServerResponse) => void) {
  const batches: string[][] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += String(piece);
    });
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(body);
      batches.push(resourceSpans[0].scopeSpans[0].spans.map(({ name }: { name: string }) => name));
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { batches, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

test('spans are sent some at a time, and the rest when it ends', async (context) => {
  const { batches, endpoint } = await collector(context, (response) => response.end('{}'));
  const { log } = recordingLog();
  const sender = new OtlpSender({ endpoint, resource: {}, log, intervalMs: 50 });
  for (let index = 0; index < 300; index += 1) sender.add(span(`s${index}`));
  await until(() => batches.length === 2, 'all that is queued is sent');
  sender.add(span('last'));
  await sender.close();
  assert.deepEqual(
    batches.map((batch) => batch.length),
    [256, 44, 1],
  );
  assert.equal(sender.lost, 0);
});

test('a collector that does not answer costs the spans beyond the bound, says so once, and is used again', async (context) => {
  let away = true;
  const { batches, endpoint } = await collector(context, (response) => {
    if (!away) response.end('{}');
  });
  const { log, lines } = recordingLog();
  const sender = new OtlpSender({ endpoint, resource: {}, log, maxQueue: 300, intervalMs: 20, timeoutMs: 100 });
  for (let index = 0; index < 1000; index += 1) sender.add(span(`s${index}`));
  assert.ok(sender.lost >= 400, `${sender.lost} are lost`);
  await new Promise((resolve) => setTimeout(resolve, 400));
  away = false;
  batches.length = 0;
  sender.add(span('again'));
  await sender.close();
  assert.ok(batches.flat().includes('again'));
  assert.deepEqual(
    lines.map(({ level, message }) => `${level}: ${message}`),
    ['warn: traces are lost', 'info: traces are sent again'],
  );
});

test('a collector that refuses is one that lost them', async (context) => {
  const { endpoint } = await collector(context, (response) => response.writeHead(503).end());
  const { log, lines } = recordingLog();
  const sender = new OtlpSender({ endpoint, resource: {}, log });
  sender.add(span('s'));
  await sender.close();
  assert.equal(sender.lost, 1);
  assert.match(String(lines[0]?.fields.error), /503/);
});
