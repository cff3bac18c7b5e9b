import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallOutcome } from '../../../cri/call.js';
import { otlpRequest, type Span } from '../../../cri/observe/span.js';
import { parseTraceParent } from '../../../cri/observe/traceparent.js';
import { Tracer } from '../../../cri/observe/tracer.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = 'b7ad6b7169203331';
const OK: CallOutcome = { code: 'OK', message: '', about: { podSandboxId: 'p1' } };
const call = (traceparent?: string) => ({
  service: 'runtime.v1.RuntimeService',
  method: 'RunPodSandbox',
  metadata: (key: string) => (key === 'traceparent' ? traceparent : undefined),
});

test('a traceparent is taken as the W3C says, and anything else as none', () => {
  const header = `00-${TRACE}-${CLIENT}-01`;
  assert.deepEqual(parseTraceParent(header), { traceId: TRACE, spanId: CLIENT, sampled: true });
  assert.equal(parseTraceParent(`00-${TRACE}-${CLIENT}-00`)?.sampled, false);
  assert.equal(parseTraceParent(`cc-${TRACE}-${CLIENT}-09-more`)?.sampled, true);
  const bad = [
    ...[undefined, '', 'x', `ff-${TRACE}-${CLIENT}-01`, `00-${'0'.repeat(32)}-${CLIENT}-01`],
    ...[`00-${TRACE}-${'0'.repeat(16)}-01`, `00-${TRACE.toUpperCase()}-${CLIENT}-01`, `00-${TRACE}-${CLIENT}`],
  ];
  for (const text of bad) assert.equal(parseTraceParent(text), undefined, text);
});

test('steps belong to what they are done in, and the call to the client’s span', async () => {
  const spans: Span[] = [];
  const tracer = new Tracer((span) => spans.push(span));
  await tracer.call(call(`00-${TRACE}-${CLIENT}-01`), async () => {
    await tracer.step('outer', () => tracer.step('inner', async () => undefined));
    await assert.rejects(
      tracer.step('fails', async () => {
        throw new Error('why');
      }),
      /why/,
    );
    return OK;
  });
  const byName = new Map(spans.map((span) => [span.name, span]));
  const root = byName.get('runtime.v1.RuntimeService/RunPodSandbox');
  assert.deepEqual([root?.parentSpanId, root?.kind, root?.error], [CLIENT, 'server', undefined]);
  assert.equal(root?.attributes['crib.podSandboxId'], 'p1');
  assert.equal(byName.get('outer')?.parentSpanId, root?.spanId);
  assert.equal(byName.get('inner')?.parentSpanId, byName.get('outer')?.spanId);
  assert.equal(byName.get('fails')?.error, 'why');
  assert.ok(spans.every(({ traceId, start, end }) => traceId === TRACE && start <= end));
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 4);
});

test('a call of a client that does not sample leaves no span, and one without a trace begins its own', async () => {
  const spans: Span[] = [];
  const tracer = new Tracer((span) => spans.push(span));
  const run = () => tracer.step('step', async () => OK);
  await tracer.call(call(`00-${TRACE}-${CLIENT}-00`), run);
  await tracer.step('outside', async () => undefined);
  assert.equal(spans.length, 0);
  await tracer.call(call(), run);
  assert.equal(spans.length, 2);
  assert.equal(spans[1]?.parentSpanId, '');
  assert.match(spans[1]?.traceId ?? '', /^[0-9a-f]{32}$/);
});

test('spans are written as OTLP has them in JSON', () => {
  const span: Span = {
    ...{ traceId: TRACE, spanId: CLIENT, parentSpanId: '', name: 'n', kind: 'server' },
    ...{ start: 1_700_000_000_123_456_789n, end: 1_700_000_001_000_000_000n, attributes: { a: 'b' }, error: 'bad' },
  };
  const { resourceSpans } = JSON.parse(otlpRequest([span], { 'service.name': 'crib' }));
  const [{ resource, scopeSpans }] = resourceSpans;
  assert.deepEqual(resource.attributes, [{ key: 'service.name', value: { stringValue: 'crib' } }]);
  assert.deepEqual(scopeSpans[0].spans, [
    {
      ...{ traceId: TRACE, spanId: CLIENT, name: 'n', kind: 2 },
      ...{ startTimeUnixNano: '1700000000123456789', endTimeUnixNano: '1700000001000000000' },
      attributes: [{ key: 'a', value: { stringValue: 'b' } }],
      status: { code: 2, message: 'bad' },
    },
  ]);
});
