import { once } from 'node:events';
import { after, before, it } from 'node:test';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import { fuzzed } from '../../../support/fuzz.js';
import { execRequest, startStreaming } from '../../../support/streaming.js';

let streaming: Awaited<ReturnType<typeof startStreaming>>;
before(async () => {
  streaming = await startStreaming();
});
after(() => streaming.stop());

const protocol = fc.constantFrom('v5.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io');
const channel = fc.oneof(fc.nat({ max: 5 }), fc.constantFrom(0x30, 0x31, 0x34, 254, 255));
const message = fc.oneof(
  fc.tuple(channel, fc.uint8Array({ maxLength: 40 })).map(([to, data]) => Buffer.from([to, ...data])),
  fc.tuple(channel, fc.string()).map(([to, text]) => Buffer.concat([Buffer.from([to]), Buffer.from(text)])),
  fc.constant(Buffer.alloc(0)),
);
const sizes = fc.constantFrom('{"Width":1,"Height":2}', '{"Width":', '}').map((text) => Buffer.from(`\x04${text}`));
const messages = fc.array(fc.tuple(fc.oneof(message, sizes), fc.boolean()), { maxLength: 8 });

it(
  'whatever a client sends, its session ends as the client does',
  fuzzed(fc.tuple(protocol, messages, fc.boolean()), async ([name, sent, tty]) => {
    // `attach` is a process; what is not there fails at once, and 1,000 processes would only be slow.
    const url = streaming.server.urlFor(execRequest(['/nonexistent'], { stdin: true, tty, stderr: !tty }));
    const socket = new WebSocket(url, [name]);
    socket.on('error', () => {});
    const closed = once(socket, 'close');
    socket.on('open', () => {
      for (const [data, binary] of sent) socket.send(data, { binary });
    });
    await closed;
  }),
);
