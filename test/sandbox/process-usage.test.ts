import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { type TestContext, test } from 'node:test';
import { processUsage, softLimit } from '../../sandbox/process-usage.js';

async function holding(context: TestContext, redirections: string): Promise<number> {
  const child = spawn('sh', ['-c', `ulimit -S -n 100; ${redirections} echo; exec sleep 1000`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  context.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  assert.ok(child.pid !== undefined);
  return child.pid;
}

test('counts what processes hold open', async (context) => {
  const few = await holding(context, '');
  const more = await holding(context, 'exec 7</dev/null 8</dev/null;');
  const usage = await processUsage(few, [few]);
  // Node gives a child a socket for its stdout.
  assert.deepEqual([usage.sockets, usage.maxOpenFiles], [1, 100]);
  const both = await processUsage(few, [few, more]);
  assert.deepEqual([both.openFiles, both.sockets], [2 * usage.openFiles + 2, 2]);
});

test('looks at no descriptor where there are very many', async () => {
  const many = Array.from({ length: 300 }, () => fs.openSync('/dev/null', 'r'));
  const usage = await processUsage(process.pid, [process.pid]);
  for (const fd of many) fs.closeSync(fd);
  assert.ok(usage.openFiles > 300);
  assert.equal(usage.sockets, undefined);
});

test('a process that has gone holds nothing', async () => {
  assert.deepEqual(await processUsage(2 ** 22 + 1, [2 ** 22 + 1]), {
    openFiles: 0,
    sockets: 0,
    maxOpenFiles: undefined,
  });
});

test('a limit that is none is not told', () => {
  assert.equal(softLimit('Max open files            unlimited            unlimited            files\n'), undefined);
  assert.equal(softLimit('Max open files            1024                 524288               files\n'), 1024);
});
