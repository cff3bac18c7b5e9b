import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeOpened, openPassed } from '../../../runtime/keeper/passed-pipe.js';
import { SessionPipes } from '../../../sandbox/kept/session-pipes.js';
import { sessionClient } from '../../support/session-client.js';

const NEVER = new AbortController().signal;
const NAMES = ['stdin', 'stdout', 'stderr'] as const;
const descriptors = () => fs.readdirSync('/proc/self/fd').length;

test('a pipe for each stream that was asked for, whose other end belongs to its user; bytes move once it starts', async () => {
  const before = descriptors();
  const client = sessionClient(['stdin', 'stdout']);
  const pipes = new SessionPipes(client.streams, NAMES, { uid: 1234, gid: 4321 });
  assert.deepEqual(Object.keys(pipes.passed), ['stdin', 'stdout']);
  const opened = openPassed(pipes.passed);
  const { stdin = -1, stdout = -1 } = opened;
  assert.deepEqual([fs.fstatSync(stdout).uid, fs.fstatSync(stdout).gid], [1234, 4321]);
  client.stdin.end('typed');
  fs.writeSync(stdout, 'early ');
  pipes.start();
  fs.writeSync(stdout, 'late');
  await sleep(50);
  const data = Buffer.alloc(100);
  assert.equal(data.toString('latin1', 0, fs.readSync(stdin, data)), 'typed');
  assert.equal(fs.readSync(stdin, data), 0, 'the end of the client is the end of the pipe');
  closeOpened(opened);
  await pipes.ended(NEVER);
  assert.equal(client.stdout(), 'early late');
  assert.ok(client.streams.stdout?.writableFinished);
  pipes.close();
  await sleep(20);
  assert.equal(descriptors(), before);
});

test('one that never starts leaves nothing, and the client its streams', async () => {
  const before = descriptors();
  const client = sessionClient(NAMES);
  new SessionPipes(client.streams, NAMES).close();
  await sleep(20);
  assert.equal(descriptors(), before);
  assert.deepEqual([client.stdin.destroyed, client.streams.stdout?.writableEnded], [false, false]);
});
