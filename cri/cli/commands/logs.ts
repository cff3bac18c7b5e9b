/** `crib logs`: prints a container's log file, which lies on this host. */

import { CribError } from '../../../runtime/errors.js';
import { ContainerState } from '../../api/generated/index.js';
import type { CriClient } from '../../client.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { jsonLine, LogPrinter, writeAll } from '../log-printer.js';
import { readLog } from '../log-reader.js';
import { findContainer } from '../lookup.js';

export interface LogsOptions {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly timestamps?: boolean;
}

export function logs(invocation: Invocation, name: string, options: LogsOptions): Promise<void> {
  return withDaemon(invocation, async (cri) => {
    const { id } = await findContainer(cri, name);
    const { status } = await cri.runtime.containerStatus({ containerId: id });
    const file = status?.logPath ?? '';
    if (file === '') throw new CribError('FAILED_PRECONDITION', `container ${name} keeps no log: it has no log path`);
    const printer = new LogPrinter({ timestamps: options.timestamps === true });
    const lines = readLog(file, {
      ...(options.tail === undefined ? {} : { tail: options.tail }),
      follow: options.follow === true,
      ended: () => hasEnded(cri, id),
      signal: new AbortController().signal,
    });
    for await (const line of lines) {
      // One object a line, so that a program can read a log that is followed.
      const { stream, bytes } = invocation.json ? jsonLine(line) : printer.format(line);
      await writeAll(process[stream], bytes);
    }
  });
}

/** Also true for a container that is gone. While no daemon answers nothing is known: the keeper goes on writing the log. */
async function hasEnded(cri: CriClient, containerId: string): Promise<boolean> {
  try {
    const { status } = await cri.runtime.containerStatus({ containerId });
    return status?.state === ContainerState.CONTAINER_EXITED;
  } catch (error) {
    if (error instanceof CribError && error.code === 'NOT_FOUND') return true;
    if (error instanceof CribError && error.code === 'UNAVAILABLE') return false;
    throw error;
  }
}
