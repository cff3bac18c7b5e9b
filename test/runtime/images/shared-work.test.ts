import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedWork } from '../../../runtime/images/shared-work.js';

/** Work that a test ends. */
function controlled() {
  const runs: {
    signal: AbortSignal;
    publish: (progress: number) => void;
    end: (value: string) => void;
    fail: (error: Error) => void;
  }[] = [];
  const start = (signal: AbortSignal, publish: (progress: number) => void) =>
    new Promise<string>((resolve, reject) => runs.push({ signal, publish, end: resolve, fail: reject }));
  return { runs, start };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('callers of one key share one work, its progress and its end; another key has its own', async () => {
  const shared = new SharedWork<string, number>();
  const { runs, start } = controlled();
  const heard: string[] = [];
  const first = shared.join('a', { onProgress: (progress) => heard.push(`first ${progress}`) }, start);
  await turn();
  runs[0]?.publish(1);
  const second = shared.join('a', { onProgress: (progress) => heard.push(`second ${progress}`) }, start);
  const other = shared.join('b', {}, start);
  await turn();
  runs[0]?.publish(2);
  assert.equal(runs.length, 2);
  runs[0]?.end('done');
  runs[1]?.fail(new Error('b failed'));
  assert.deepEqual(await Promise.all([first, second]), ['done', 'done']);
  await assert.rejects(other, /b failed/);
  assert.deepEqual(heard, ['first 1', 'second 1', 'first 2', 'second 2']);
  const again = shared.join('a', {}, start);
  await turn();
  runs[2]?.end('anew');
  assert.equal(await again, 'anew', 'what has ended is not remembered');
});

test('it goes on while anybody waits, is cancelled with the last, and who comes then starts anew', async () => {
  const shared = new SharedWork<string, number>();
  const { runs, start } = controlled();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = shared.join('a', { signal: one.signal }, start);
  const second = shared.join('a', { signal: two.signal }, start);
  await turn();
  one.abort();
  await assert.rejects(first, { code: 'CANCELLED', message: 'a: the caller went away' });
  assert.equal(runs[0]?.signal.aborted, false);
  two.abort();
  await assert.rejects(second, { code: 'CANCELLED' });
  assert.equal(runs[0]?.signal.aborted, true);
  const third = shared.join('a', {}, start);
  await turn();
  assert.equal(runs.length, 2);
  runs[0]?.fail(new Error('late, and nobody’s'));
  runs[1]?.end('anew');
  assert.equal(await third, 'anew');
  const gone = new AbortController();
  gone.abort();
  await assert.rejects(shared.join('b', { signal: gone.signal }, start), { code: 'CANCELLED' });
  assert.equal(runs.length, 2, 'for who has gone already nothing is started');
});

test('closing cancels all and waits for their ends', async () => {
  const shared = new SharedWork<string, number>();
  const { runs, start } = controlled();
  const joined = ['a', 'b'].map((key) => shared.join(key, {}, start));
  const failed = joined.map((work) => assert.rejects(work, /aborted/));
  await turn();
  let closed = false;
  const closing = shared.close().then(() => {
    closed = true;
  });
  assert.ok(runs.every(({ signal }) => signal.aborted));
  runs[0]?.fail(new Error('aborted'));
  await turn();
  assert.equal(closed, false);
  runs[1]?.fail(new Error('aborted'));
  await Promise.all([closing, ...failed]);
});
