import assert from 'node:assert/strict';
import { test } from 'node:test';
import { otlpRequest, type Span } from '../../../cri/observe/span.js';

const SPAN: Span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  name: 'RunPodSandbox',
  kind: 'server',
  start: 1_700_000_000_123_456_789n,
  end: 1_700_000_001_000_000_001n,
  attributes: { 'pod.name': 'web' },
  error: undefined,
};

function sent(change: Partial<Span> = {}) {
  return JSON.parse(otlpRequest([{ ...SPAN, ...change }], {})).resourceSpans[0].scopeSpans[0].spans[0];
}

test('times are text in nanoseconds: a JSON number would lose the last of them', () => {
  const { startTimeUnixNano, endTimeUnixNano } = sent();
  assert.deepEqual([startTimeUnixNano, endTimeUnixNano], ['1700000000123456789', '1700000001000000001']);
});

test('ids are hexadecimal as they are, and a span that begins a trace has no parent', () => {
  const { traceId, spanId, parentSpanId } = sent();
  assert.deepEqual([traceId, spanId, parentSpanId], [SPAN.traceId, SPAN.spanId, SPAN.parentSpanId]);
  assert.ok(!('parentSpanId' in sent({ parentSpanId: '' })), 'an empty id is no id (trace.proto)');
});

test('kinds and errors are the numbers of trace.proto; what went well has no status', () => {
  assert.deepEqual([sent().kind, sent({ kind: 'internal' }).kind], [2, 1]);
  assert.ok(!('status' in sent()));
  assert.deepEqual(sent({ error: 'no "such" pod\n' }).status, { code: 2, message: 'no "such" pod\n' });
  assert.deepEqual(sent({ error: '' }).status, { code: 2, message: '' }, 'an error without a message is one');
});

test('several spans are one resource’s, each with its own attributes', () => {
  const request = otlpRequest([SPAN, { ...SPAN, name: 'second', attributes: {} }], { 'service.name': 'crib' });
  const { resourceSpans } = JSON.parse(request);
  assert.equal(resourceSpans.length, 1);
  assert.deepEqual(resourceSpans[0].resource.attributes, [{ key: 'service.name', value: { stringValue: 'crib' } }]);
  const [{ spans }] = resourceSpans[0].scopeSpans;
  assert.deepEqual(
    spans.map(({ name, attributes }: { name: string; attributes: object[] }) => [name, attributes]),
    [
      ['RunPodSandbox', [{ key: 'pod.name', value: { stringValue: 'web' } }]],
      ['second', []],
    ],
  );
});
