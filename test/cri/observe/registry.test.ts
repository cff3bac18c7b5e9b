import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from '../../../cri/observe/registry.js';

test('writes counters, gauges and histograms as Prometheus reads them', async () => {
  const registry = new Registry();
  const counter = registry.counter('c_total', 'A counter');
  counter.add({ a: 'x"\\\n', b: '2' });
  counter.add({ a: 'x"\\\n', b: '2' }, 2);
  counter.add({});
  registry.sampled('gauge', 'g', 'A gauge', async () => [{ labels: {}, value: 1.5 }]);
  const histogram = registry.histogram('h_seconds', 'A histogram');
  for (const seconds of [0.0005, 0.02, 0.02, 1000]) histogram.observe({ m: 'V' }, seconds);
  const lines = (await registry.text()).split('\n');
  assert.deepEqual(lines.slice(0, 7), [
    '# HELP c_total A counter',
    '# TYPE c_total counter',
    'c_total{a="x\\"\\\\\\n",b="2"} 3',
    'c_total 1',
    '# HELP g A gauge',
    '# TYPE g gauge',
    'g 1.5',
  ]);
  assert.ok(lines.includes('h_seconds_bucket{m="V",le="0.001"} 1'));
  assert.ok(lines.includes('h_seconds_bucket{m="V",le="0.01"} 1'));
  assert.ok(lines.includes('h_seconds_bucket{m="V",le="0.025"} 3'));
  assert.ok(lines.includes('h_seconds_bucket{m="V",le="300"} 3'));
  assert.ok(lines.includes('h_seconds_bucket{m="V",le="+Inf"} 4'));
  assert.ok(lines.includes('h_seconds_count{m="V"} 4'));
  assert.ok(lines.includes('h_seconds_sum{m="V"} 1000.0405'));
  assert.equal(lines.at(-1), '');
});
