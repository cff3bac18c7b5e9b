import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { type CommandChannels, endOf, runCommand } from '../../../cri/streaming/remote-command.js';
import type { Status } from '../../../cri/streaming/status.js';
import { recordingLog } from '../../support/log.js';
import { processSessions } from '../../support/process-sessions.js';
import { execRequest } from '../../support/streaming.js';

async function outcome(command: string[], signal = new AbortController().signal) {
  const told: Status[] = [];
  const stdout = new PassThrough();
  const channels: CommandChannels = {
    stdin: undefined,
    stdout,
    stderr: undefined,
    signal,
    onResize: () => {},
    finish: async (status) => void told.push(status),
  };
  const { log, lines } = recordingLog();
  await runCommand(processSessions(), execRequest(command), channels, log);
  return { told, stdout: String(stdout.read() ?? ''), lines };
}

test('every outcome is told once', async () => {
  const good = await outcome(['echo', 'x']);
  assert.deepEqual([good.stdout, good.told.map(({ status }) => status)], ['x\n', ['Success']]);
  const bad = await outcome(['/nonexistent']);
  assert.deepEqual(
    bad.told.map(({ reason }) => reason),
    ['InternalError'],
  );
  assert.equal(bad.lines.length, 1, 'it is in the log');
});

test('a client that is gone is nothing to log', async () => {
  const { lines } = await outcome(['/nonexistent'], AbortSignal.abort());
  assert.deepEqual(lines, []);
});

test('the end of a stream waits for what is in it, and for nothing once it is destroyed', async () => {
  const got: string[] = [];
  const slow = new Writable({
    write: (chunk, _encoding, callback) => {
      setTimeout(() => callback(), 20);
      got.push(String(chunk));
    },
  });
  slow.write('a');
  await endOf(slow, Buffer.from('b'));
  assert.deepEqual(got, ['a', 'b']);
  const stuck = new Writable({ write: () => {} });
  stuck.write('a');
  setTimeout(() => stuck.destroy(), 20);
  await endOf(stuck);
  await endOf(undefined);
});
