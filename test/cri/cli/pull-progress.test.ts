import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pullWithProgress } from '../../../cri/cli/pull-progress.js';
import type { CriClient } from '../../../cri/client.js';
import { printed } from './commands/printed.js';

/** `pull` is told the call's options; the image file system has grown by `step` bytes each time it is asked for. */
function cri(pull: (options: { timeoutMs?: number; signal?: AbortSignal }) => Promise<void>, step = 0): CriClient {
  let used = 0;
  const images = {
    pullImage: async (_: object, options: object) => {
      await pull(options);
      return { imageRef: 'sha256:1' };
    },
    imageFsInfo: async () => {
      used += step;
      return { imageFilesystems: [{ usedBytes: { value: BigInt(used) } }, {}] };
    },
  };
  return { images } as unknown as CriClient;
}

function looksOn(t: TestContext, isTTY: boolean): void {
  const before = process.stderr.isTTY;
  process.stderr.isTTY = isTTY;
  t.after(() => {
    process.stderr.isTTY = before;
  });
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test('a pull takes as long as it takes, unless its caller goes away', async (t) => {
  looksOn(t, false);
  const given: object[] = [];
  const client = cri(async (options) => void given.push(options));
  const { signal } = new AbortController();
  assert.equal(await pullWithProgress(client, 'x'), 'sha256:1');
  await pullWithProgress(client, 'x', signal);
  assert.deepEqual(given, [{ timeoutMs: 0 }, { timeoutMs: 0, signal }]);
});

test('a person sees that it goes on, and the line is gone when it is done', async (t) => {
  looksOn(t, true);
  const { stderr } = await printed(t, () =>
    pullWithProgress(
      cri(() => sleep(700), 5_000_000),
      'x.io/app',
    ),
  );
  assert.match(stderr, /pulling x\.io\/app: 0\.[2-7]s/);
  assert.ok(stderr.endsWith('\r\x1b[K'));
  assert.equal(stderr.split('\n').length, 1, 'it is one line');
});

test('it is gone also when the pull has failed, and no timer keeps the command', async (t) => {
  looksOn(t, true);
  const failing = cri(async () => {
    throw new Error('no such image');
  });
  let stderr = '';
  await assert.rejects(
    printed(t, async () => {
      const write = process.stderr.write;
      process.stderr.write = ((text: string) => {
        stderr += text;
        return true;
      }) as typeof write;
      try {
        await pullWithProgress(failing, 'x');
      } finally {
        process.stderr.write = write;
      }
    }),
    { message: 'no such image' },
  );
  assert.equal(stderr, '\r\x1b[K');
});
