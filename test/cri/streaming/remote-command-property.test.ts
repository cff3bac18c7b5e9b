import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { after, it } from 'node:test';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { runCommand } from '../../../cri/streaming/remote-command.js';
import { spdyCommandChannels } from '../../../cri/streaming/remote-command-spdy.js';
import { webSocketCommandChannels } from '../../../cri/streaming/remote-command-websocket.js';
import type { Sessions } from '../../../sandbox/streams.js';
import { duplexPair } from '../../support/duplex-pair.js';
import { fuzzed } from '../../support/fuzz.js';
import { recordingLog } from '../../support/log.js';
import { execRequest } from '../../support/streaming.js';
import { spdyBytes } from './spdy/spdy-bytes.js';

const { log } = recordingLog();
const TIMEOUTS = { idleMs: 60_000, creationMs: 60_000 };

/** A command that repeats its stdin, and how large its terminal is; an exit code of what it read. */
const sessions: Sessions = {
  exec: async (_spec, { stdin, stdout, stderr, onResize }, signal) => {
    onResize(({ width, height }) => stdout?.write(`${width}x${height}`));
    stdin?.on('data', (data) => stdout?.write(data));
    if (stdin !== undefined) await Promise.race([once(stdin, 'end'), once(signal, 'abort')]);
    stdout?.end();
    stderr?.end();
    return 3;
  },
  attach: async () => {},
  connect: async () => Promise.reject(new Error('not here')),
};

let streams = { tty: false, stdin: true, stdout: true, stderr: true };
let ended = Promise.resolve();
const server = http.createServer();
server.on('upgrade', (request, socket, head) => {
  const open = request.headers.upgrade === 'websocket' ? webSocketCommandChannels : spdyCommandChannels;
  const command = execRequest(['cat'], streams);
  ended = open({ request, socket, head }, command, TIMEOUTS).then((channels) =>
    channels === undefined ? undefined : runCommand(sessions, command, channels, log),
  );
});
after(() => server.close());

function connect() {
  const [near, far] = duplexPair();
  server.emit('connection', far);
  return near;
}

const asked = fc.record({ tty: fc.boolean(), stdin: fc.boolean(), stdout: fc.boolean() });

const protocol = fc.constantFrom('v5.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io');
const channel = fc.oneof(fc.nat({ max: 5 }), fc.constantFrom(0x30, 0x31, 0x34, 254, 255));
const message = fc.oneof(
  fc.tuple(channel, fc.uint8Array({ maxLength: 40 })).map(([to, data]) => Buffer.from([to, ...data])),
  fc.tuple(channel, fc.base64String()).map(([to, data]) => Buffer.concat([Buffer.from([to]), Buffer.from(data)])),
  fc.constantFrom('{"Width":1,"Height":2}', '{"Width":', '}').map((size) => Buffer.from(`\x04${size}`)),
  fc.constant(Buffer.alloc(0)),
);
const messages = fc.array(fc.tuple(message, fc.boolean()), { maxLength: 8 });

it(
  'whatever a WebSocket client sends, its session ends with it',
  fuzzed(fc.tuple(protocol, messages, asked), async ([name, sent, wanted]) => {
    streams = { ...wanted, stderr: !wanted.tty };
    const options = { createConnection: connect as () => never, closeTimeout: 100 };
    const socket = new WebSocket('ws://crib/', [name], options);
    socket.on('error', () => {});
    socket.on('open', () => {
      for (const [data, binary] of sent) socket.send(data, { binary });
      socket.close();
    });
    await once(socket, 'close');
    await ended;
  }),
);

it(
  'whatever a SPDY client sends, its session ends with it',
  fuzzed(fc.tuple(spdyBytes, asked), async ([bytes, wanted]) => {
    streams = { ...wanted, stderr: !wanted.tty };
    const socket = connect();
    const head = 'POST / HTTP/1.1\r\nHost: crib\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n';
    socket.write(`${head}X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n`);
    socket.end(bytes);
    await text(socket);
    await ended;
  }),
);
