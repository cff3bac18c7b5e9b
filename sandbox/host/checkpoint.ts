/** Checkpoints by the OCI runtime and CRIU, of a container that stands still meanwhile. */

import path from 'node:path';
import type { Cgroups } from '../../runtime/cgroups/types.js';
import { CribError, messageOf } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import { criuObstacle } from '../../runtime/oci/criu.js';
import type { ContainerTarget, OciRuntime } from '../../runtime/oci/oci-runtime.js';

const PAUSE_TIMEOUT_MS = 30_000;

export interface Checkpointed {
  readonly runtime: OciRuntime;
  readonly cgroups: Cgroups;
  readonly log: Log;
  readonly target: ContainerTarget;
  readonly cgroup: string;
}

/**
 * Writes the images, then calls `then`: files of the container must not change between the two, so it is paused for
 * both, as CRI-O does. Throws FAILED_PRECONDITION with the reason where CRIU is missing or cannot work here.
 */
export async function checkpointPaused(
  container: Checkpointed,
  images: string,
  timeoutMs: number,
  then: () => Promise<void>,
): Promise<void> {
  const obstacle = await criuObstacle();
  if (obstacle !== undefined) throw new CribError('FAILED_PRECONDITION', obstacle);
  const { runtime, target } = container;
  try {
    await runtime.run(runtime.pauseArgv(target), PAUSE_TIMEOUT_MS);
    await runtime.run(runtime.checkpointArgv(target, images, path.dirname(images)), timeoutMs);
    await then();
  } finally {
    await resumePaused(container);
  }
}

/** Nothing where it is not paused. What fails is logged: the container can still be stopped. */
export async function resumePaused({ runtime, cgroups, log, target, cgroup }: Checkpointed): Promise<void> {
  if (!(await cgroups.frozen(cgroup))) return;
  await runtime.run(runtime.resumeArgv(target), PAUSE_TIMEOUT_MS).catch((error: unknown) => {
    log.error({ container: target.id, error: messageOf(error) }, 'a container that was checkpointed stands still');
  });
}
