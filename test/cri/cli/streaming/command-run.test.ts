/** The client of exec over a streaming server whose commands are processes of this machine. */

import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { COMMAND_PROTOCOL, runCommandClient } from '../../../../cri/cli/streaming/command-run.js';
import { dialSpdy } from '../../../../cri/cli/streaming/spdy-dial.js';
import type { TerminalSize } from '../../../../sandbox/streams.js';
import { execRequest, startStreaming } from '../../../support/streaming.js';
import { until } from '../../../support/until.js';

interface Started {
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
  readonly leave: AbortController;
  readonly code: Promise<number | undefined>;
  resize(size: TerminalSize): void;
}

async function start(
  { server }: Awaited<ReturnType<typeof startStreaming>>,
  words: string[],
  { stdin: hasStdin = false, tty = false } = {},
): Promise<Started> {
  const request = execRequest(words, { stdin: hasStdin, tty, stderr: !tty });
  const connection = await dialSpdy(server.urlFor(request), COMMAND_PROTOCOL, '');
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const leave = new AbortController();
  const listeners = new Set<(size: TerminalSize) => void>();
  const onResize = (listener: (size: TerminalSize) => void) => {
    listeners.add(listener);
    listener({ width: 80, height: 24 });
    return () => listeners.delete(listener);
  };
  const local = { stdin: hasStdin ? stdin : undefined, stdout, stderr, tty, onResize };
  const code = runCommandClient(connection, local, leave.signal).finally(() => {
    stdout.end();
    stderr.end();
    assert.equal(listeners.size, 0);
  });
  const resize = (size: TerminalSize) => {
    for (const listener of listeners) listener(size);
  };
  return { stdin, stdout, stderr, leave, code, resize };
}

test('both outputs, stdin with its end, exit code', async () => {
  const streaming = await startStreaming();
  const run = await start(streaming, ['sh', '-c', 'cat; echo err >&2; exit 6'], { stdin: true });
  run.stdin.end('typed');
  const said = await Promise.all([text(run.stdout), text(run.stderr), run.code]);
  assert.deepEqual(said, ['typed', 'err\n', 6]);
  await streaming.stop();
});

test('a command that reads nothing ends before its input does', async () => {
  const streaming = await startStreaming();
  const run = await start(streaming, ['true'], { stdin: true });
  run.stdin.write('unread');
  assert.equal(await run.code, 0);
  await streaming.stop();
});

test('the size of a terminal, and each that follows', async () => {
  const streaming = await startStreaming();
  const run = await start(streaming, ['cat'], { stdin: true, tty: true });
  await until(() => streaming.sessions.sizes.length === 1, 'the first size');
  run.resize({ width: 99, height: 44 });
  await until(() => streaming.sessions.sizes.length === 2, 'the second size');
  assert.deepEqual(streaming.sessions.sizes[1], { width: 99, height: 44 });
  run.stdin.end();
  assert.equal(await run.code, 0);
  await streaming.stop();
});

test('who leaves ends the session', async () => {
  const streaming = await startStreaming();
  const run = await start(streaming, ['sleep', '1000']);
  await until(() => streaming.sessions.running() === 1, 'it runs');
  run.leave.abort();
  assert.equal(await run.code, undefined);
  await until(() => streaming.sessions.running() === 0, 'it was killed');
  await streaming.stop();
});

test('a command that cannot run, and a server that goes', async () => {
  const streaming = await startStreaming();
  await assert.rejects((await start(streaming, ['/nowhere'])).code, /error executing command in container: .*nowhere/);
  const run = await start(streaming, ['sleep', '1000']);
  await until(() => streaming.sessions.running() === 1, 'it runs');
  const lost = assert.rejects(run.code, { code: 'UNAVAILABLE', message: /connection to the daemon was lost/ });
  await streaming.server.close();
  await lost;
});
