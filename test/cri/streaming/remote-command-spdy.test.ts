import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import {
  everything,
  execRequest,
  openCommand,
  openStream,
  spdyClient,
  startStreaming,
} from '../../support/streaming.js';
import { until } from '../../support/until.js';

const V4 = 'v4.channel.k8s.io';
let streaming: Awaited<ReturnType<typeof startStreaming>>;
before(async () => {
  streaming = await startStreaming();
});
after(() => streaming.stop());

/** Runs a command without stdin and reads everything. */
async function run(command: string[], protocol = V4) {
  const connection = await spdyClient(streaming.server.urlFor(execRequest(command)), protocol);
  const streams = await openCommand(connection, 'stdout', 'stderr');
  const [stdout, stderr, error] = await Promise.all(
    ['stdout', 'stderr', 'error'].map((type) => everything(streams.get(type))),
  );
  await until(() => connection.signal.aborted, 'the server closes');
  return { stdout, stderr, error: error ?? '' };
}

test('output and exit code', async () => {
  const { stdout, stderr, error } = await run(['sh', '-c', 'echo out; echo err >&2; exit 3']);
  assert.deepEqual([stdout, stderr], ['out\n', 'err\n']);
  assert.deepEqual(JSON.parse(error).details.causes, [{ reason: 'ExitCode', message: '3' }]);
  assert.equal(JSON.parse((await run(['true'])).error).status, 'Success');
});

test('a command that does not start is an internal error', async () => {
  const status = JSON.parse((await run(['/nonexistent'])).error);
  assert.equal(status.reason, 'InternalError');
  assert.match(status.message, /ENOENT/);
});

for (const protocol of ['v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']) {
  test(`${protocol} tells a failure as text and success with silence`, async () => {
    assert.match((await run(['sh', '-c', 'exit 3'], protocol)).error, /^command terminated .* 3$/);
    assert.equal((await run(['true'], protocol)).error, '');
  });
}

test('the end of stdin reaches the process', async () => {
  const request = execRequest(['cat'], { stdin: true });
  const streams = await openCommand(
    await spdyClient(streaming.server.urlFor(request), V4),
    ...['stdin', 'stdout', 'stderr'],
  );
  streams.get('stdin')?.end('through');
  assert.equal(await everything(streams.get('stdout')), 'through');
});

test('an attach goes on until its stdin ends', async () => {
  const request = { ...execRequest([], { stdin: true }), kind: 'attach' as const };
  const streams = await openCommand(
    await spdyClient(streaming.server.urlFor(request), V4),
    ...['stdin', 'stdout', 'stderr'],
  );
  const [stdin, stdout] = [streams.get('stdin'), streams.get('stdout')];
  assert.ok(stdin !== undefined && stdout !== undefined);
  stdin.write('first');
  assert.equal(String((await once(stdout, 'data'))[0]), 'first');
  stdin.end();
  assert.equal(JSON.parse(await everything(streams.get('error'))).status, 'Success');
});

test('a terminal has a resize stream from version 3 on', async () => {
  const request = execRequest(['cat'], { stdin: true, tty: true, stderr: false });
  const connection = await spdyClient(streaming.server.urlFor(request), V4);
  const streams = await openCommand(connection, 'stdin', 'stdout', 'resize');
  streams.get('resize')?.write('{"Width":101,"Height":31}\n');
  await until(() => streaming.sessions.sizes.some(({ width }) => width === 101), 'the size arrives');
  streams.get('stdin')?.end();
  assert.equal(JSON.parse(await everything(streams.get('error'))).status, 'Success');
});

test('a stream of no type, or there twice, is refused; one that was not asked for is ignored', async () => {
  const connection = await spdyClient(streaming.server.urlFor(execRequest(['echo', 'hello'])), V4);
  await assert.rejects(openStream(connection, 'unknown'), /refused/);
  await openStream(connection, 'resize');
  const stdout = await openStream(connection, 'stdout');
  await assert.rejects(openStream(connection, 'stdout'), /refused/);
  await openStream(connection, 'error');
  await openStream(connection, 'stderr');
  assert.equal(await everything(stdout), 'hello\n');
});

test('a client that does not open its streams in time is sent away', async () => {
  const own = await startStreaming({ idleMs: 60_000, creationMs: 50 });
  const connection = await spdyClient(own.server.urlFor(execRequest(['touch', '/nonexistent/file'])), V4);
  await openStream(connection, 'error');
  await until(() => connection.signal.aborted, 'the connection ends');
  assert.equal(own.sessions.running(), 0);
  await own.stop();
});

test('an idle session ends, and its process', async () => {
  const own = await startStreaming({ idleMs: 200, creationMs: 30_000 });
  const connection = await spdyClient(own.server.urlFor(execRequest(['sleep', '1000'])), V4);
  await openCommand(connection, 'stdout', 'stderr');
  await until(() => own.sessions.running() === 1, 'the process runs');
  await until(() => connection.signal.aborted && own.sessions.running() === 0, 'all is over');
  await own.stop();
});

test('the process of a client that is gone is killed', async () => {
  const connection = await spdyClient(streaming.server.urlFor(execRequest(['sleep', '1000'])), V4);
  await openCommand(connection, 'stdout', 'stderr');
  await until(() => streaming.sessions.running() === 1, 'the process runs');
  connection.destroy();
  await until(() => streaming.sessions.running() === 0, 'the process is gone');
});

test('a process that does not read, or a client that does not, holds up its sender: 32 MB pass unharmed', async () => {
  const request = execRequest(['cat'], { stdin: true, stderr: false });
  const connection = await spdyClient(streaming.server.urlFor(request), V4);
  const streams = await openCommand(connection, 'stdin', 'stdout');
  const [stdin, stdout] = [streams.get('stdin'), streams.get('stdout')];
  assert.ok(stdin !== undefined && stdout !== undefined);
  const piece = randomBytes(1024 * 1024);
  const sent = createHash('sha256');
  let pieces = 0;
  const source = async function* () {
    for (; pieces < 32; pieces++) {
      sent.update(piece);
      yield piece;
    }
  };
  const sending = pipeline(source, stdin);
  // Nobody reads stdout: pipes, sockets and streams fill, and the sender stops.
  let before = -1;
  while (pieces !== before) {
    before = pieces;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  assert.ok(pieces < 20, `${pieces} MB went into a session that nobody reads`);
  const got = createHash('sha256');
  for await (const chunk of stdout) got.update(chunk);
  await sending;
  assert.equal(got.digest('hex'), sent.digest('hex'));
});
