/** Kills crib's processes at random moments for as long as specs run. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ChurnNode } from '../../churn/node.js';
import type { Random } from '../../churn/random.js';
import type { Kill } from './verdicts.js';

/** From a restart to the next kill, milliseconds: a spec takes one to ten seconds, and some are to get through. */
const PAUSE_MS = [200, 6_000] as const;

export class Killer {
  readonly kills: Kill[] = [];
  readonly #node: ChurnNode;
  readonly #random: Random;
  readonly #wanted: number;

  constructor(node: ChurnNode, random: Random, wanted: number) {
    this.#node = node;
    this.#random = random;
    this.#wanted = wanted;
  }

  get left(): number {
    return this.#wanted - this.kills.length;
  }

  /** Until all are done or `over` is aborted; a death that has begun is waited out. Throws when nothing comes back. */
  async run(over: AbortSignal): Promise<void> {
    while (this.left > 0) {
      await sleep(this.#random.between(...PAUSE_MS), undefined, { signal: over }).catch(() => undefined);
      if (over.aborted) return;
      const victim = this.#random.oneOf('cribd', 'keeper', 'both');
      const at = Date.now();
      // What lies there is no half for an audit: the specs' clients ask again at once.
      await this.#node.kill(victim, async () => undefined);
      this.kills.push({ victim, at, over: Date.now() });
    }
  }

  /** In words. */
  get told(): string {
    const of = (victim: Kill['victim']) => this.kills.filter((kill) => kill.victim === victim).length;
    const times = this.kills.map(({ at, over }) => over - at).sort((a, b) => a - b);
    const back = `back within ${times[times.length >> 1] ?? 0} ms (median), ${times.at(-1) ?? 0} ms at most`;
    return `${this.kills.length} kills: ${of('cribd')} of cribd, ${of('keeper')} of the keeper, ${of('both')} of both; ${back}`;
  }
}
