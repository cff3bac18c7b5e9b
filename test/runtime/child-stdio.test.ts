import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { test } from 'node:test';
import { stdioClosed, withStdio } from '../../runtime/child-stdio.js';
import { RLIMIT_NOFILE } from '../../runtime/linux/constants.js';
import { resourceLimit } from '../../runtime/linux/processes.js';

/** What it has written by when its stdio is closed, which is not waited for longer than `milliseconds` after its exit. */
async function written(script: string, milliseconds: number, busyMs = 0): Promise<string> {
  const child = withStdio(spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] }));
  let text = '';
  child.stdout.setEncoding('latin1').on('data', (data: string) => {
    text += data;
  });
  await new Promise<void>((resolve) => {
    child.once('exit', () => {
      void stdioClosed(child, milliseconds).then(resolve);
      for (const end = performance.now() + busyMs; performance.now() < end; );
    });
  });
  await stdioClosed(child, 60_000); // again, when it is closed
  return text;
}

test('all that it has written is there, also where this process looks late', async () => {
  assert.equal((await written('head -c 60000 /dev/zero', 60_000)).length, 60_000);
  assert.equal((await written('head -c 60000 /dev/zero', 0, 50)).length, 60_000);
});

test('what it has started and left behind is not waited for', async () => {
  const text = await written('setsid sleep 1000 & echo $!', 10);
  process.kill(Number(text), 'SIGKILL');
});

test('one that has no pipes, for want of descriptors, is told as that, and is no uncaught error', async () => {
  const { hard } = resourceLimit(RLIMIT_NOFILE);
  const before = resourceLimit(RLIMIT_NOFILE, { soft: 64n, hard });
  const filling: number[] = [];
  try {
    assert.throws(() => {
      for (;;) filling.push(fs.openSync('/dev/null', 'r'));
    });
    assert.throws(() => withStdio(spawn('true', [])), { code: 'EMFILE', message: 'true: too many open files' });
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    for (const fd of filling) fs.closeSync(fd);
    resourceLimit(RLIMIT_NOFILE, before);
  }
});
