import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { UnpackerProcess } from '../../../runtime/images/unpacker-process.js';
import { temporaryDirectory } from '../../support/images/temporary-store.js';

/** A program in the place of the unpacker. */
async function standIn(t: TestContext, code: string): Promise<UnpackerProcess> {
  const script = path.join(await temporaryDirectory(t), 'unpacker.mjs');
  fs.writeFileSync(script, code);
  return new UnpackerProcess(script, { kind: 'unpack', parentPid: process.pid });
}

test('a process that ends without an answer is told by how it ended and what it last said', async (t) => {
  for (const [code, expected] of [
    [`console.error('no idea'); process.exit(3);`, { code: 'INTERNAL', message: /exit code 3: no idea/ }],
    ['process.abort();', { code: 'RESOURCE_EXHAUSTED', message: /SIGABRT/ }],
    [`process.stdout.write('{"ok":true');`, { code: 'INTERNAL', message: /exit code 0/ }],
  ] as const) {
    const unpacker = await standIn(t, code);
    await assert.rejects(unpacker.answer(), expected, code);
    await unpacker.ended;
    await assert.rejects(unpacker.answer(), expected, 'and again');
    unpacker.give({ maxBytes: 1, maxEntries: 1, lowest: true, grows: true }, '/tmp', 0);
  }
});

test('an answer is a line, which an error may be in; one that cannot be read is an error', async (t) => {
  for (const [line, expected] of [
    ['[1]', { code: 'INTERNAL', message: /no answer/ }],
    ['{"ok":', { code: 'INTERNAL', message: /no answer/ }],
    ['{"ok":false,"code":"NONSENSE","message":"m"}', { code: 'INTERNAL', message: 'm' }],
    ['{"ok":false,"code":"DATA_LOSS","message":"m"}', { code: 'DATA_LOSS', message: 'm' }],
  ] as const) {
    const unpacker = await standIn(t, `process.stdout.write('\\n${line}\\n');`);
    await unpacker.ended;
    await assert.rejects(unpacker.answer(), expected, line);
  }
});

test('answers come in order, in pieces, asked for before or after they are there; empty lines are signs of life', async (t) => {
  const code = `
    process.stdin.once('data', async () => {
      for (const piece of ['\\n', '{"ok":true,"rep', 'ort":1}', '\\n\\n{"ok":true,"report":2}\\n']) {
        process.stdout.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      process.stdin.destroy();
    });`;
  const unpacker = await standIn(t, code);
  let alive = 0;
  unpacker.onAlive = () => alive++;
  const first = unpacker.answer<number>();
  unpacker.input.write('go');
  assert.equal(await first, 1);
  await unpacker.ended;
  assert.equal(await unpacker.answer<number>(), 2);
  await assert.rejects(unpacker.answer(), { code: 'INTERNAL', message: /exit code 0/ });
  assert.ok(alive >= 2);
});
