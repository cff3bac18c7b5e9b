/**
 * What a container of a gVisor pod uses. Alone in its sentry it is all that the sentry's cgroup counts. Of several, runsc
 * is asked: it divides the cgroup's CPU time by the sentry's own records, and the memory evenly.
 */

import type { CgroupSample, CgroupSampler } from '../../runtime/cgroups/sampler.js';
import { nanoCores } from '../../runtime/cgroups/sampler.js';
import { type Reading, ShortCache } from '../../runtime/cgroups/short-cache.js';
import { CribError } from '../../runtime/errors.js';
import type { ContainerTarget, OciRuntime } from '../../runtime/oci/oci-runtime.js';

const TIMEOUT_MS = 10_000;
/** Each is a process of runsc's for 15 ms. */
const AT_ONCE = 2;

interface Share {
  readonly cpuUsageNs: bigint;
  readonly memory: number;
  readonly pids: number;
}

export class SentryUsage {
  readonly #runtime: OciRuntime;
  readonly #sampler: CgroupSampler;
  readonly #targets = new Map<string, { readonly target: ContainerTarget; readonly cgroup: string }>();
  readonly #shares: ShortCache<CgroupSample>;

  constructor(runtime: OciRuntime, sampler: CgroupSampler) {
    this.#runtime = runtime;
    this.#sampler = sampler;
    this.#shares = new ShortCache((id, previous) => this.#share(id, previous), { concurrency: AT_ONCE });
  }

  /** `cgroup` is the sentry's; `alone`: no other container is in it. undefined when it has ended. */
  async of(target: ContainerTarget, cgroup: string, alone: boolean): Promise<CgroupSample | undefined> {
    if (alone) return this.#sampler.statsCached(cgroup);
    this.#targets.set(target.id, { target, cgroup });
    try {
      return await this.#shares.get(target.id);
    } finally {
      this.#targets.delete(target.id); // all who asked have the one answer
    }
  }

  forget(id: string): void {
    this.#shares.forget(id);
  }

  async #share(id: string, previous: Reading<CgroupSample> | undefined): Promise<CgroupSample | undefined> {
    const asked = this.#targets.get(id);
    const whole = asked && (await this.#sampler.statsCached(asked.cgroup));
    if (asked === undefined || whole === undefined) return undefined;
    const { cpuUsageNs, memory, pids } = parseEvent(
      await this.#runtime.run(this.#runtime.eventsArgv(asked.target), TIMEOUT_MS),
    );
    const ofMemory = { memoryUsage: memory, memoryWorkingSet: memory, memoryRss: memory };
    const stats = { ...whole.stats, cpuUsageNs, ...ofMemory, pids };
    return { stats, nanoCores: nanoCores(previous, stats, process.hrtime.bigint()) };
  }
}

/** What `runsc events --stats` prints. Throws INTERNAL for anything else. */
export function parseEvent(text: string): Share {
  const event = JSON.parse(text) as {
    data?: {
      cpu?: { usage?: { total?: unknown } };
      memory?: { usage?: { usage?: unknown } };
      pids?: { current?: unknown };
    };
  };
  if (event.data === undefined) throw new CribError('INTERNAL', `runsc events: ${text.slice(0, 200)} has no data`);
  const number = (value: unknown) => (typeof value === 'number' ? value : 0); // Go leaves out what is zero
  return {
    cpuUsageNs: BigInt(Math.round(number(event.data.cpu?.usage?.total))),
    memory: number(event.data.memory?.usage?.usage),
    pids: number(event.data.pids?.current),
  };
}
