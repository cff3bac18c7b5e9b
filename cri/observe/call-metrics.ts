/** Counts, times and errors of the calls. */

import type { CallObserver } from '../call.js';
import type { Registry } from './registry.js';

export function callMetrics(registry: Registry): CallObserver {
  const calls = registry.counter('crib_rpc_total', 'Calls that have ended, by method and gRPC code');
  const seconds = registry.histogram('crib_rpc_seconds', 'How long calls took, by method');
  const open = new Map<string, number>();
  registry.sampled('gauge', 'crib_rpc_in_progress', 'Calls in progress, by method', () =>
    [...open].map(([method, value]) => ({ labels: { method }, value })),
  );
  const count = (method: string, by: number) => open.set(method, (open.get(method) ?? 0) + by);
  return async ({ method }, run) => {
    const begun = performance.now();
    count(method, 1);
    try {
      const outcome = await run();
      calls.add({ method, code: outcome.code });
      return outcome;
    } finally {
      count(method, -1);
      seconds.observe({ method }, (performance.now() - begun) / 1000);
    }
  };
}
