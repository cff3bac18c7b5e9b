/** Metrics and traces of real pods, as `crib serve` switches them on. */

import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { type Observing, startObserving } from '../../../cri/cli/observing.js';
import { recordingLog } from '../../support/log.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../../support/server.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

let served: ServedNode;
let observing: Observing;
const spans: SentSpan[] = [];
const collector = http.createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => {
    body += String(piece);
  });
  request.on('end', () => {
    for (const { scopeSpans } of JSON.parse(body).resourceSpans) spans.push(...scopeSpans[0].spans);
    response.end('{}');
  });
});

before(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const tracingEndpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  served = await startServedNode('10.203.23.0/24', 'cribtestob0', async (node) => {
    const config = { metricsAddress: '0', tracingEndpoint };
    observing = await startObserving(config, node.node(), recordingLog().log, 'test');
    return observing.observers;
  });
});

after(async () => {
  await observing.close();
  await served.stop();
  collector.close();
  collector.closeAllConnections();
});

async function runContainer(): Promise<string> {
  const { runtime, images } = served.client;
  const traced = { metadata: { traceparent } };
  const { podSandboxId } = await runtime.runPodSandbox(podRequest('watched'), traced);
  await images.pullImage({ image: { image: served.node.image } }, traced);
  const request = containerRequest(podSandboxId, 'c', served.node.image, 'sleep 1000');
  const { containerId } = await runtime.createContainer(request, traced);
  await runtime.startContainer({ containerId }, traced);
  return podSandboxId;
}

test('calls and their steps are spans of the client’s trace, and counted', async () => {
  const pod = await runContainer();
  await assert.rejects(served.client.runtime.containerStatus({ containerId: 'none' }), { code: 'NOT_FOUND' });
  const text = await (await fetch(`http://${observing.metricsAddress}/metrics`)).text();
  assert.match(text, /^crib_rpc_total\{method="RunPodSandbox",code="OK"\} 1$/m);
  assert.match(text, /^crib_rpc_total\{method="ContainerStatus",code="NOT_FOUND"\} 1$/m);
  assert.match(text, /^crib_rpc_seconds_count\{method="StartContainer"\} 1$/m);
  assert.match(text, /^crib_pods\{state="ready"\} 1$/m);
  assert.match(text, /^crib_containers\{state="running"\} 1$/m);
  assert.match(text, /^crib_images 1$/m);
  assert.match(text, /^crib_keeper_up 1$/m);
  assert.match(text, /^crib_keeper_resident_bytes \d{7,}$/m);
  assert.match(text, /^process_resident_memory_bytes \d{7,}$/m);
  assert.match(text, /^crib_event_loop_delay_seconds\{quantile="0.99"\} \d/m);

  await served.client.runtime.removePodSandbox({ podSandboxId: pod });
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const ours = spans.filter(({ traceId }) => traceId === TRACE);
  const named = (name: string) => ours.find((span) => span.name === name);
  const parents = {
    'run-pod/prepare': 'runtime.v1.RuntimeService/RunPodSandbox',
    'run-pod/network': 'runtime.v1.RuntimeService/RunPodSandbox',
    'create-container/rootfs': 'runtime.v1.RuntimeService/CreateContainer',
    'start-container/run': 'runtime.v1.RuntimeService/StartContainer',
    'pull-image/resolve': 'runtime.v1.ImageService/PullImage',
  };
  for (const [step, call] of Object.entries(parents)) {
    assert.ok(named(step) !== undefined, `${step} is missing`);
    assert.equal(named(step)?.parentSpanId, named(call)?.spanId, step);
    assert.equal(named(call)?.parentSpanId, 'b7ad6b7169203331');
  }
  assert.ok(spans.some(({ name, traceId }) => name.endsWith('/RemovePodSandbox') && traceId !== TRACE));
});

test('nothing is loaded, bound or wrapped where neither is asked for', async () => {
  const off = await startObserving(
    { metricsAddress: '', tracingEndpoint: '' },
    served.node.node(),
    recordingLog().log,
    'test',
  );
  assert.deepEqual([off.observers, off.metricsAddress], [[], undefined]);
  await off.close();
});
