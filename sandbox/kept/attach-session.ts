/** Attach: the keeper, which reads a container's output, copies it into pipes of this process's. */

import { attempting } from '../../runtime/errors.js';
import type { Keeper } from '../../runtime/keeper/protocol.js';
import { descriptorRoom } from '../../runtime/linux/descriptor-room.js';
import type { ContainerRecord } from '../container-record.js';
import type { SessionStreams } from '../streams.js';
import { SessionPipes } from './session-pipes.js';

/** Both ends of three pipes. */
const DESCRIPTORS = 6;

/** As Sessions.attach. A container without stdin gets none; one with a terminal has no stderr. */
export async function attachSession(
  keeper: Keeper,
  container: ContainerRecord,
  streams: SessionStreams,
  signal: AbortSignal,
): Promise<void> {
  const { id, config } = container;
  descriptorRoom.take(DESCRIPTORS, `attaching to container ${id}`)();
  const outputs = config.tty ? (['stdout'] as const) : (['stdout', 'stderr'] as const);
  const pipes = new SessionPipes(streams, config.stdin ? ['stdin', ...outputs] : outputs);
  let open = true;
  if (config.tty) {
    streams.onResize(({ width, height }) => {
      if (open) keeper.resize(id, width, height).catch(() => undefined); // it has ended: the keeper says so below too
    });
  }
  try {
    await keeper.attach(id, pipes.passed, () => pipes.start(), signal);
    await pipes.ended(signal);
  } catch (error) {
    throw attempting(`attaching to container ${id}`, error);
  } finally {
    open = false;
    pipes.close();
  }
}
