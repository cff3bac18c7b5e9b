import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused, startFakeService } from '../../support/fake-service.js';

const answer = { exitCode: 3, stdout: Buffer.from([0, 255]), stderr: Buffer.from('err') };
const { client, asked } = await startFakeService({ execSync: async () => answer });
const exec = (cmd: string[], timeout = 0n) => client.runtime.execSync({ containerId: 'c', cmd, timeout });

test('bytes and exit code come back as they were; seconds are milliseconds', async () => {
  const { exitCode, stdout, stderr } = await exec(['sh', '-c', ''], 2n);
  assert.deepEqual([exitCode, [...stdout], String(stderr)], [3, [0, 255], 'err']);
  assert.deepEqual(asked.at(-1), ['execSync', 'c', ['sh', '-c', ''], 2000]);
});

test('a command is there and has no NUL in it, and no timeout is less than none', async () => {
  await assert.rejects(exec([]), refused(/^cmd is required/));
  await assert.rejects(exec(['sh', 'a\0b']), refused(/^cmd\[1\]/));
  await assert.rejects(exec(['sh'], -1n), refused(/^timeout is -1/));
});
