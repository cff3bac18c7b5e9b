/** The end of a container's process: its exit code, and whether memory ran out, on disk before anyone is told. */

import { nowNs } from '../runtime/clock.js';
import { messageOf } from '../runtime/errors.js';
import type { KeptContainer, KeptExit } from '../runtime/keeper/protocol.js';
import { step } from '../runtime/steps.js';
import type { Container, ContainerRecord } from './container-record.js';
import type { Node } from './node.js';
import { oomKillsOf } from './out-of-memory.js';

/** What the status says where nobody saw the end (containerd's unknownExitCode). */
const UNKNOWN_EXIT_CODE = 255;

/** Records the exit that the keeper saw. Idempotent. */
export async function finishExit(node: Node, container: Container, exit: KeptExit): Promise<void> {
  container.seenExit = exit;
  await recordExit(node, container, async () => ({
    exitCode: exit.exitCode ?? UNKNOWN_EXIT_CODE,
    finishedAt: laterOf(exit.finishedAt, container.record.startedAt),
    reason: reasonOf(exit, await oomKills(node, container)),
  }));
}

/** Records that the process has ended while nobody watched: the keeper was gone, or the machine restarted. */
export async function finishUnseen(node: Node, container: Container): Promise<void> {
  await recordExit(node, container, async () => ({
    exitCode: UNKNOWN_EXIT_CODE,
    finishedAt: laterOf(String(nowNs()), container.record.startedAt),
    reason: 'Unknown',
    message: 'the process ended while nothing watched it; its exit code is not known',
  }));
}

/** What a container's record has of its start once the keeper has it. Two processes' clocks may differ by a little. */
export function startOf(container: Container, kept: KeptContainer): Partial<ContainerRecord> {
  const startedAt = laterOf(kept.startedAt, container.record.createdAt);
  return { state: 'running', pid: kept.pid, startTime: kept.startTime, startedAt };
}

/** One end, however many tell of it at a time: the keeper's event, its list, a stop. The others wait for the first. */
async function recordExit(
  node: Node,
  container: Container,
  facts: () => Promise<Partial<ContainerRecord>>,
): Promise<void> {
  if (container.record.state !== 'running') return;
  container.ending ??= end(node, container, facts).finally(() => {
    container.ending = undefined;
  });
  await container.ending;
}

async function end(node: Node, container: Container, facts: () => Promise<Partial<ContainerRecord>>): Promise<void> {
  await node.endContainer(container, await facts());
  container.markExited();
  node.emit('stopped', container.id, container.record.podId);
}

/** A counter that cannot be read costs the word for the reason, not the exit. */
async function oomKills(node: Node, container: Container): Promise<number> {
  try {
    return await step('container-exit/counters', () => oomKillsOf(node, container));
  } catch (error) {
    node.parts.log.warn({ container: container.id, error: messageOf(error) }, 'whether memory ran out is not known');
    return 0;
  }
}

function laterOf(a: string, b: string): string {
  return BigInt(a) > BigInt(b) ? a : b;
}

function reasonOf(exit: KeptExit, oomKills: number): string {
  if (exit.exitCode === undefined) return 'Unknown';
  if (exit.exitCode === 0) return 'Completed';
  return oomKills > 0 ? 'OOMKilled' : 'Error';
}
