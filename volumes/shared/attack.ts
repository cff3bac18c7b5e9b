/** What is never there by itself: somebody put it where crib mounts. It is told in the log, and left out of everything. */

import type { Log } from '../../runtime/log.js';

/** `pod` is whose sandbox it concerns. */
export interface Watch {
  readonly pod: string;
  readonly log: Log;
}

/** `where` is the path that crib meant; `found` what was there instead. */
export function reportAttack({ pod, log }: Watch, where: string, found: string): void {
  log.error({ pod, where, found }, 'an attack on the mounts of a pod was held off');
}
