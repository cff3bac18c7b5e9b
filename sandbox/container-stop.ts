/** StopContainer: the stop signal, a grace period, then SIGKILL for everything in the container's cgroup. */

import { signalNumber } from '../runtime/containers/signals.js';
import { attempting, CribError, codeOf } from '../runtime/errors.js';
import { startTimeOf } from '../runtime/linux/processes.js';
import { step } from '../runtime/steps.js';
import { finishUnseen } from './container-exit.js';
import type { Container, ContainerRecord } from './container-record.js';
import type { Node } from './node.js';

const SIGKILL = 9;
/** How long a killed process may take to go; longer means that the kernel holds it (uninterruptible I/O). */
const KILL_TIMEOUT_MS = 10_000;
const PROGRESS_MS = 1_000;

/** Stops a container; `timeoutMs` 0 kills at once. What is not there, or does not run, is no error. */
export async function stopContainer(node: Node, id: string, timeoutMs: number): Promise<void> {
  const container = node.containers.find(id);
  if (container === undefined) return;
  await untilStarted(container);
  if (container.record.state !== 'running') return;
  if (timeoutMs > 0) {
    const asked = await askToEnd(node, container);
    if (asked && (await container.waitForExit(timeoutMs))) return;
  }
  await killContainer(node, container);
}

/** False: the keeper does not know it. That is left to the kill, which records its end. */
async function askToEnd(node: Node, { id, record }: Container): Promise<boolean> {
  try {
    await step('stop-container/signal', () => node.parts.keeper.signal(id, signalNumber(record.stopSignal)));
    return true;
  } catch (error) {
    if (codeOf(error) !== 'NOT_FOUND') throw error;
    return false;
  }
}

/** A start that is in progress: what it makes is meant too. */
async function untilStarted(container: Container): Promise<void> {
  if (container.record.state === 'created') await container.serial.run(async () => undefined);
}

/** SIGKILL, once a start in progress has ended. Throws DEADLINE_EXCEEDED when the process stays. */
export async function killContainer(node: Node, container: Container): Promise<void> {
  await untilStarted(container);
  if (container.record.state !== 'running') return;
  const deadline = performance.now() + KILL_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const known = await step('stop-container/kill', () => killOnce(node, container));
    if (!known) return;
    if (await container.waitForExit(PROGRESS_MS)) return;
  }
  const { id, record } = container;
  requireMortal(node, record);
  throw new CribError(
    'DEADLINE_EXCEEDED',
    `killing container ${id}: ${whatLasts(record)}, ${KILL_TIMEOUT_MS} ms after SIGKILL`,
  );
}

/** What cgroup v1 has frozen dies when it is thawed, not before. Throws FAILED_PRECONDITION that says how. */
function requireMortal(node: Node, { id, cgroup }: ContainerRecord): void {
  const { cgroups } = node.parts;
  if (cgroups.version !== 1) return;
  try {
    cgroups.requireThawed(cgroup);
  } catch (error) {
    throw attempting(`killing container ${id}`, error);
  }
}

/** One that is gone is not recorded as exited before the log has all that it wrote, which a full disk keeps from it. */
function whatLasts({ pid, startTime, logPath }: ContainerRecord): string {
  if (startTimeOf(pid) === startTime) return `its process ${pid} is still there`;
  const log = logPath === '' ? '' : `, nor is it all in ${logPath}: is the disk full?`;
  return `its process ${pid} is gone, but what it wrote is not read to its end${log}`;
}

/** False when the keeper does not know the container: nothing will ever report its exit, so it is recorded here. */
async function killOnce(node: Node, container: Container): Promise<boolean> {
  const { keeper, handlers } = node.parts;
  try {
    await keeper.signal(container.id, SIGKILL);
    await keeper.killAll(container.id);
    return true;
  } catch (error) {
    if (!(error instanceof CribError) || error.code !== 'NOT_FOUND') throw error;
    await handlers.existing(container.record.runtime).clear(container.record);
    await finishUnseen(node, container);
    return false;
  }
}
