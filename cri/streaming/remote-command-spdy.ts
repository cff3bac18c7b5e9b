/** Exec and attach over SPDY: a stream for each of error, stdin, stdout, stderr and resize, opened by the client. */

import type { UpgradeRequest } from './http.js';
import type { CommandChannels } from './remote-command.js';
import { endOf } from './remote-command.js';
import type { CommandRequest, Timeouts } from './requests.js';
import { SpdyConnection } from './spdy/connection.js';
import type { SpdyStream } from './spdy/stream.js';
import { acceptSpdy } from './spdy/upgrade.js';
import { encodeStatus } from './status.js';
import { TerminalSizes } from './terminal-size.js';

const V4 = 'v4.channel.k8s.io';
const V3 = 'v3.channel.k8s.io';
/** Version 4 tells the outcome as JSON, 3 knows resize, 2 ends stdin properly, 1 has no number. */
export const COMMAND_PROTOCOLS = [V4, V3, 'v2.channel.k8s.io', 'channel.k8s.io'] as const;

/** More than the five that there are: a client may open a wrong one and is told so. */
const MAX_STREAMS = 16;

const TYPES: ReadonlySet<string> = new Set(['error', 'stdin', 'stdout', 'stderr', 'resize']);

type Streams = Map<string, SpdyStream>;

/** undefined when the client did not agree on a protocol, or did not open its streams in time. */
export async function spdyCommandChannels(
  upgrade: UpgradeRequest,
  request: CommandRequest,
  timeouts: Timeouts,
): Promise<CommandChannels | undefined> {
  const protocol = acceptSpdy(upgrade, COMMAND_PROTOCOLS);
  if (protocol === undefined) return undefined;
  const expected = expectedStreams(request, protocol === V4 || protocol === V3);
  const streams: Streams = new Map();
  let complete = () => {};
  const opened = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const connection = new SpdyConnection({
    transport: upgrade.socket,
    role: 'server',
    idleTimeoutMs: timeouts.idleMs,
    maxStreams: MAX_STREAMS,
    onStream: (stream) => {
      const type = stream.headers.get('streamtype') ?? '';
      if (!TYPES.has(type) || streams.has(type)) return false;
      if (!expected.has(type)) return ignore(stream);
      streams.set(type, stream);
      if (streams.size === expected.size) complete();
      return true;
    },
  });
  const late = setTimeout(() => connection.destroy(), timeouts.creationMs);
  connection.signal.addEventListener('abort', () => complete(), { once: true });
  await opened;
  clearTimeout(late);
  const sizes = new TerminalSizes();
  streams.get('resize')?.on('data', (bytes: Buffer) => sizes.write(bytes));
  if (streams.has('resize')) await sizes.first(connection.signal);
  if (connection.signal.aborted) return undefined;
  return channelsOf(connection, streams, sizes, protocol === V4);
}

function expectedStreams(request: CommandRequest, knowsResize: boolean): ReadonlySet<string> {
  const types = ['error'];
  if (request.stdin) types.push('stdin');
  if (request.stdout) types.push('stdout');
  if (request.stderr) types.push('stderr');
  if (request.tty && knowsResize) types.push('resize');
  return new Set(types);
}

/** A stream that the request did not ask for: clients open a resize stream without a terminal, and wait for an answer. */
function ignore(stream: SpdyStream): true {
  stream.resume();
  stream.end();
  return true;
}

function channelsOf(
  connection: SpdyConnection,
  streams: Streams,
  sizes: TerminalSizes,
  asJson: boolean,
): CommandChannels {
  const [error, stdin, stdout, stderr] = ['error', 'stdin', 'stdout', 'stderr'].map((type) => streams.get(type));
  // What a client sends where it has only to read is thrown away, or it would hold up its session.
  for (const output of [error, stdout, stderr]) output?.resume();
  return {
    stdin,
    stdout,
    stderr,
    signal: connection.signal,
    onResize: (listener) => sizes.listen(listener),
    finish: async (status) => {
      await Promise.all([endOf(stdout), endOf(stderr), endOf(stdin)]);
      await endOf(error, encodeStatus(status, asJson));
      await connection.close();
    },
  };
}
