/** Metrics and traces of `crib serve`, where the configuration asks for them; their code is loaded only then. */

import fs from 'node:fs/promises';
import type { Log } from '../../runtime/log.js';
import { traceWith } from '../../runtime/steps.js';
import type { CallObserver } from '../call.js';
import type { Config } from './config.js';
import type { Assembly } from './node-assembly.js';

export interface Observing {
  readonly observers: readonly CallObserver[];
  /** Where metrics are to be had; undefined: nowhere. */
  readonly metricsAddress: string | undefined;
  /** Sends what is left, bounded in time. */
  close(): Promise<void>;
}

/** Throws INVALID_ARGUMENT where the address of the metrics cannot be listened on. */
export async function startObserving(
  config: Pick<Config, 'metricsAddress' | 'tracingEndpoint'>,
  node: Assembly,
  log: Log,
  version: string,
): Promise<Observing> {
  const tracing = config.tracingEndpoint === '' ? undefined : await startTracing(config.tracingEndpoint, log, version);
  const metrics = config.metricsAddress === '' ? undefined : await startMetrics(config.metricsAddress, node);
  if (metrics !== undefined) log.info({ address: metrics.address }, 'metrics are served');
  return {
    observers: [tracing?.observer, metrics?.observer].filter((observer) => observer !== undefined),
    metricsAddress: metrics?.address,
    close: async () => {
      await Promise.all([tracing?.close(), metrics?.close()]);
    },
  };
}

async function startTracing(endpoint: string, log: Log, version: string) {
  const [{ OtlpSender }, { Tracer }] = await Promise.all([
    import('../observe/otlp-sender.js'),
    import('../observe/tracer.js'),
  ]);
  const hostname = (await fs.readFile('/proc/sys/kernel/hostname', 'utf8')).trim();
  const resource = { 'service.name': 'crib', 'service.version': version, 'host.name': hostname };
  const sender = new OtlpSender({ endpoint, resource, log });
  const tracer = new Tracer(sender.add);
  traceWith(tracer.step);
  const close = () => {
    traceWith(undefined);
    return sender.close();
  };
  return { observer: tracer.call, close };
}

async function startMetrics(address: string, node: Assembly) {
  const [{ Registry }, { callMetrics }, { nodeMetrics }, { startMetricsServer }] = await Promise.all([
    import('../observe/registry.js'),
    import('../observe/call-metrics.js'),
    import('../observe/node-metrics.js'),
    import('../observe/metrics-server.js'),
  ]);
  const registry = new Registry();
  const observer = callMetrics(registry);
  const server = await startMetricsServer(address, registry);
  const stop = nodeMetrics(registry, { pods: node.pods, images: node.images, keeper: () => keeperOf(node) });
  const close = () => {
    stop();
    return server.close();
  };
  return { observer, address: server.address, close };
}

/** /proc/PID/statm counts pages, which have 4 KiB on every architecture that crib runs on. */
async function keeperOf(node: Assembly): Promise<{ residentBytes: number } | undefined> {
  const pid = node.keeperPid();
  if (pid === undefined) return undefined;
  const text = await fs.readFile(`/proc/${pid}/statm`, 'latin1').catch(() => undefined);
  return text === undefined ? undefined : { residentBytes: Number(text.split(' ')[1]) * 4096 };
}
