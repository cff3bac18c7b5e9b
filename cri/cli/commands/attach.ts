/** `crib attach`: joins the stdio of a running container, and ends as the container did. */

import { setTimeout as sleep } from 'node:timers/promises';
import { CribError } from '../../../runtime/errors.js';
import { ContainerState } from '../../api/generated/index.js';
import type { CriClient } from '../../client.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { findContainer } from '../lookup.js';
import { parseDetachKeys } from '../streaming/detach-keys.js';
import { runSession } from '../streaming/session.js';
import { parseInfo, stdioIn } from '../verbose-info.js';

export interface AttachOptions {
  /** False by --no-stdin. */
  readonly stdin: boolean;
  readonly detachKeys: string;
}

export async function attach(invocation: Invocation, name: string, options: AttachOptions): Promise<void> {
  const detachKeys = parseDetachKeys(options.detachKeys);
  if (invocation.json)
    throw new CribError('INVALID_ARGUMENT', "attach passes on the container's bytes: there is no --json");
  process.exitCode = await withDaemon(invocation, async (cri) => {
    const { id: containerId } = await findContainer(cri, name);
    const { info } = await cri.runtime.containerStatus({ containerId, verbose: true });
    const { tty, stdin: hasStdin } = stdioIn(parseInfo(info));
    const stdin = options.stdin && hasStdin;
    const { url } = await cri.runtime.attach({ containerId, tty, stdin, stdout: true, stderr: !tty });
    const ended = await runSession(invocation, url, { stdin, tty, detachKeys });
    if (ended !== undefined) return exitCodeOf(cri, containerId);
    process.stderr.write(`\r\ncrib: detached from ${name}, which goes on\n`);
    return 0;
  });
}

/** How long after its output has ended a container may take to be known as exited. Milliseconds. */
const EXIT_MS = 2000;

/** 0 for a container that goes on: the session ended with stdin. */
async function exitCodeOf(cri: CriClient, containerId: string): Promise<number> {
  for (const deadline = performance.now() + EXIT_MS; ; await sleep(20)) {
    const { status } = await cri.runtime.containerStatus({ containerId });
    if (status?.state === ContainerState.CONTAINER_EXITED) return status.exitCode;
    if (process.stdin.readableEnded || performance.now() > deadline) return 0;
  }
}
