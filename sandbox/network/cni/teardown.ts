/**
 * Teardown from the record alone: the chain as it was, in reverse. One plugin that fails does not keep the others from
 * running; a plugin or a namespace that is gone does not keep a pod from going.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { CribError, messageOf } from '../../../runtime/errors.js';
import { FS_MAGIC } from '../../../runtime/linux/constants.js';
import { statFilesystem } from '../../../runtime/linux/files.js';
import type { Log } from '../../../runtime/log.js';
import { step } from '../../../runtime/steps.js';
import { releaseHostLocal, removeHostLinks, removeMasquerade } from './leftovers.js';
import { deleteByPlugin, findPlugin } from './plugin.js';
import type { CniRecord } from './record.js';

const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 200;

/** Throws UNAVAILABLE when plugins went on failing: the record stays, and the next call tries again. */
export async function tearDown(
  record: CniRecord,
  binDirs: readonly string[],
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  for (let attempt = 1; ; attempt++) {
    const failures = await deleteChain(record, binDirs, log, signal);
    if (failures.length === 0) return;
    // The failures of this round: another one for a caller that has given up would only say that.
    if (attempt < ATTEMPTS) await sleep(pause, undefined, { signal }).catch(() => undefined);
    if (attempt === ATTEMPTS || signal.aborted) {
      const why = failures.map(messageOf).join('; ');
      throw new CribError('UNAVAILABLE', `taking back the network of pod ${record.podId}: ${why}`, {
        cause: failures[0],
      });
    }
    pause *= 2;
  }
}

async function deleteChain(
  record: CniRecord,
  binDirs: readonly string[],
  log: Log,
  signal: AbortSignal,
): Promise<unknown[]> {
  const netns = isNamespace(record.netns) ? record.netns : '';
  // Before 0.4.0 DEL had no prevResult.
  const previous = record.config.cniVersion === '0.3.1' ? undefined : record.result;
  const failures: unknown[] = [];
  for (const plugin of [...record.config.plugins].reverse()) {
    try {
      if (findPlugin(plugin.type, binDirs) === undefined) {
        log.warn(
          { pod: record.podId, plugin: plugin.type, binDirs },
          'a CNI plugin that set up this pod is no longer installed; its interfaces and addresses are removed without it',
        );
        await removeHostLinks(record);
        await releaseHostLocal(record, plugin);
        await removeMasquerade(record, plugin, signal);
      } else {
        await step('cni/delete', () => deleteByPlugin({ record, plugin, binDirs, previous, signal }, netns));
        if (netns === '') await removeMasquerade(record, plugin, signal);
      }
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

/** A pin that is no longer mounted is a plain file, which plugins refuse. */
function isNamespace(path: string): boolean {
  try {
    return statFilesystem(path).type === FS_MAGIC.NSFS;
  } catch {
    return false;
  }
}
