import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TerminalSizes } from '../../../cri/streaming/terminal-size.js';
import type { TerminalSize } from '../../../sandbox/streams.js';

function heard(...pieces: string[]): TerminalSize[] {
  const sizes = new TerminalSizes();
  const seen: TerminalSize[] = [];
  sizes.listen((size) => seen.push(size));
  for (const piece of pieces) sizes.write(Buffer.from(piece));
  return seen;
}

test('sizes come in pieces, several at once, in any case', () => {
  const sizes = heard('{"Width":80,"Hei', 'ght":24}\n{"width":1,"height":2}{"WIDTH":3,"HEIGHT":4}\n');
  assert.deepEqual(sizes, [
    { width: 80, height: 24 },
    { width: 1, height: 2 },
    { width: 3, height: 4 },
  ]);
});

test('who listens late hears the latest size', () => {
  const sizes = new TerminalSizes();
  sizes.write(Buffer.from('{"Width":80,"Height":24}{"Width":81,"Height":25}'));
  const seen: TerminalSize[] = [];
  sizes.listen((size) => seen.push(size));
  assert.deepEqual(seen, [{ width: 81, height: 25 }]);
});

test('what is no size is passed over', () => {
  const good = '{"Width":80,"Height":24}';
  for (const bad of [
    '}',
    '{"Width":-1,"Height":2}',
    '{"Width":65536,"Height":2}',
    '{"Width":"1","Height":2}',
    '[1]}',
  ]) {
    assert.deepEqual(heard(bad, good), [{ width: 80, height: 24 }], bad);
  }
  assert.deepEqual(heard(`{"x":"${'a'.repeat(5000)}`, good), [{ width: 80, height: 24 }]);
});

test('the first size is waited for, but not for long, and not for a client that is gone', async () => {
  const sizes = new TerminalSizes();
  const { signal } = new AbortController();
  const first = sizes.first(signal);
  sizes.write(Buffer.from('{"Width":80,"Height":24}'));
  await first;
  await sizes.first(signal);
  await new TerminalSizes().first(signal);
  await new TerminalSizes().first(AbortSignal.abort());
});
