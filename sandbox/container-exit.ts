/** The end of a container's process: its exit code, and whether memory ran out, on disk before anyone is told. */

import type { KeptExit } from '../runtime/keeper/protocol.js';
import { nowNs } from './clock.js';
import type { Container, ContainerRecord } from './container-record.js';
import type { Node } from './node.js';

/** What the status says where nobody saw the end (containerd's unknownExitCode). */
const UNKNOWN_EXIT_CODE = 255;

/** Records the exit that the keeper saw. Idempotent. */
export async function finishExit(node: Node, container: Container, exit: KeptExit): Promise<void> {
  const { record } = container;
  container.seenExit = exit;
  if (record.state !== 'running') return;
  const oomKills = await node.parts.cgroups.oomKills(record.cgroup);
  await recordExit(node, container, {
    exitCode: exit.exitCode ?? UNKNOWN_EXIT_CODE,
    finishedAt: exit.finishedAt,
    reason: reasonOf(exit, oomKills),
  });
}

/** Records that the process has ended while nobody watched: the keeper was gone, or the machine restarted. */
export async function finishUnseen(node: Node, container: Container): Promise<void> {
  await recordExit(node, container, {
    exitCode: UNKNOWN_EXIT_CODE,
    finishedAt: String(nowNs()),
    reason: 'Unknown',
    message: 'the process ended while nothing watched it; its exit code is not known',
  });
}

async function recordExit(node: Node, container: Container, change: Partial<ContainerRecord>): Promise<void> {
  if (container.record.state !== 'running') return;
  await node.endContainer(container, change);
  container.markExited();
  node.emit('stopped', container.id, container.record.podId);
}

function reasonOf(exit: KeptExit, oomKills: number): string {
  if (exit.exitCode === undefined) return 'Unknown';
  if (exit.exitCode === 0) return 'Completed';
  return oomKills > 0 ? 'OOMKilled' : 'Error';
}
