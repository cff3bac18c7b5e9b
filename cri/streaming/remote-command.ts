/** An exec or attach, whatever carries it: the client's streams go to the sandbox, the outcome goes to the client. */

import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { messageOf } from '../../runtime/errors.js';
import type { Log } from '../../runtime/log.js';
import type { SessionStreams, Sessions } from '../../sandbox/streams.js';
import type { CommandRequest } from './requests.js';
import { exitStatus, failedStatus, type Status } from './status.js';

/** What a protocol makes of a client's connection. */
export interface CommandChannels extends SessionStreams {
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
  /** Ends the outputs, tells the outcome, and closes once the client has all of it. Never throws. */
  finish(status: Status): Promise<void>;
}

export async function runCommand(
  sessions: Sessions,
  request: CommandRequest,
  channels: CommandChannels,
  log: Log,
): Promise<void> {
  const status = await outcomeOf(sessions, request, channels).catch((error: unknown) => {
    const attempt = request.kind === 'exec' ? 'error executing command in container' : 'error attaching to container';
    // A client that went away is the ordinary end of many sessions.
    if (!channels.signal.aborted) {
      log.info({ container: request.containerId, kind: request.kind, error: messageOf(error) }, 'session failed');
    }
    return failedStatus(attempt, error);
  });
  await channels.finish(status);
}

async function outcomeOf(sessions: Sessions, request: CommandRequest, channels: CommandChannels): Promise<Status> {
  const { containerId, command, tty } = request;
  if (request.kind === 'exec') {
    return exitStatus(await sessions.exec({ containerId, command, tty }, channels, channels.signal));
  }
  await sessions.attach(containerId, channels, channels.signal);
  return exitStatus(0);
}

/** Ends a stream and waits until everything in it has been passed on, or cannot be any more. */
export async function endOf(stream: Writable | undefined, last?: Buffer): Promise<void> {
  if (stream === undefined) return;
  if (last !== undefined && last.length > 0 && stream.writable) stream.write(last);
  stream.end();
  await finished(stream, { readable: false }).catch(() => {});
}
