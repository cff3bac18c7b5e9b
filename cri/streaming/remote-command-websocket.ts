/** Exec and attach over WebSocket: channels 0 to 4 are stdin, stdout, stderr, error and resize. */

import type { UpgradeRequest } from './http.js';
import { type CommandChannels, endOf } from './remote-command.js';
import type { CommandRequest, Timeouts } from './requests.js';
import { encodeStatus } from './status.js';
import { TerminalSizes } from './terminal-size.js';
import { ChannelSocket } from './websocket/channels.js';
import { type Accepted, acceptWebSocket } from './websocket/upgrade.js';

const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

/** `channel.k8s.io` is version 1; versions 4 and 5 tell the outcome as JSON. No name at all is version 1 as well. */
const PROTOCOL = /^(?:(?:v([2-5])\.)?(base64\.)?channel\.k8s\.io)?$/;

/** undefined when the client did not agree on a protocol, or is gone already. */
export async function webSocketCommandChannels(
  upgrade: UpgradeRequest,
  request: CommandRequest,
  timeouts: Timeouts,
): Promise<CommandChannels | undefined> {
  const begun = await acceptWebSocket(
    upgrade,
    (name) => PROTOCOL.test(name),
    (accepted) => begin(accepted, request, timeouts),
  );
  if (begun === undefined) return undefined;
  // An empty message tells the client that the session is there (as the kubelet's server does).
  const first = request.stdout ? CHANNEL.stdout : request.stderr ? CHANNEL.stderr : CHANNEL.error;
  await begun.socket.send(first, Buffer.alloc(0));
  if (request.tty) await begun.sizes.first(begun.socket.signal);
  return begun.socket.signal.aborted ? undefined : begun.channels;
}

function begin({ socket: accepted, protocol }: Accepted, request: CommandRequest, timeouts: Timeouts) {
  const [, digit = '1', base64] = PROTOCOL.exec(protocol) ?? [];
  const version = Number(digit);
  const framing = { base64: base64 !== undefined, closeSignal: version >= 5 };
  const socket = new ChannelSocket(accepted, framing, timeouts.idleMs);
  const sizes = new TerminalSizes();
  if (request.tty) socket.reader(CHANNEL.resize).on('data', (bytes: Buffer) => sizes.write(bytes));
  return { socket, sizes, channels: channelsOf(socket, request, sizes, version >= 4) };
}

function channelsOf(
  socket: ChannelSocket,
  request: CommandRequest,
  sizes: TerminalSizes,
  asJson: boolean,
): CommandChannels {
  const stdout = request.stdout ? socket.writer(CHANNEL.stdout) : undefined;
  const stderr = request.stderr ? socket.writer(CHANNEL.stderr) : undefined;
  return {
    stdin: request.stdin ? socket.reader(CHANNEL.stdin) : undefined,
    stdout,
    stderr,
    signal: socket.signal,
    onResize: (listener) => sizes.listen(listener),
    finish: async (status) => {
      await Promise.all([endOf(stdout), endOf(stderr)]);
      await endOf(socket.writer(CHANNEL.error), encodeStatus(status, asJson));
      await socket.close();
    },
  };
}
