/** The sessions of a node: how many there may be at a time. Each kind is in a file of its own. */

import { type Duplex, finished } from 'node:stream';
import { CribError } from '../runtime/errors.js';
import { attachToContainer } from './container-attach.js';
import { execInContainer } from './container-exec.js';
import type { Node } from './node.js';
import { connectToPod } from './pod-connect.js';
import type { Sessions } from './streams.js';

/** Each holds some descriptors and buffers; a kubelet has a handful. */
const MAX_SESSIONS = 1024;

export function createSessions(node: Node): Sessions {
  const open = new Open();
  return {
    exec: (spec, streams, signal) => open.during(() => execInContainer(node, spec, streams, signal)),
    attach: (id, streams, signal) => open.during(() => attachToContainer(node, id, streams, signal)),
    connect: (id, port, signal) => open.untilClosed(() => connectToPod(node, id, port, signal)),
  };
}

/** Counts them; throws RESOURCE_EXHAUSTED for one too many. */
class Open {
  #count = 0;

  async during<Result>(session: () => Promise<Result>): Promise<Result> {
    this.#enter();
    try {
      return await session();
    } finally {
      this.#count -= 1;
    }
  }

  async untilClosed(connect: () => Promise<Duplex>): Promise<Duplex> {
    this.#enter();
    try {
      const connection = await connect();
      finished(connection, () => {
        this.#count -= 1;
      });
      return connection;
    } catch (error) {
      this.#count -= 1;
      throw error;
    }
  }

  #enter(): void {
    if (this.#count >= MAX_SESSIONS) {
      throw new CribError(
        'RESOURCE_EXHAUSTED',
        `${MAX_SESSIONS} exec, attach and port-forward sessions are open: end some first`,
      );
    }
    this.#count += 1;
  }
}
