import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DetachKeys, parseDetachKeys } from '../../../../cri/cli/streaming/detach-keys.js';

/** What passes, with `!` where the keys were. */
function typed(keys: string, ...pieces: string[]): string {
  let passed = '';
  const stream = new DetachKeys(parseDetachKeys(keys), () => {
    passed += '!';
  });
  const before = passed;
  stream.on('data', (bytes: Buffer) => {
    passed += bytes.toString('latin1');
  });
  for (const piece of pieces) stream.write(Buffer.from(piece, 'latin1'));
  for (let read = stream.read(); read !== null; read = stream.read());
  return before + passed;
}

test('names of keys', () => {
  assert.deepEqual([...parseDetachKeys('ctrl-p,ctrl-q')], [16, 17]);
  assert.deepEqual([...parseDetachKeys('CTRL-A,b,ctrl-[,ctrl-@')], [1, 98, 27, 0]);
  assert.equal(parseDetachKeys('').length, 0);
  for (const wrong of ['ctrl-', 'ctrl-1', 'alt-x', 'ab', ',', 'ctrl-a,'])
    assert.throws(() => parseDetachKeys(wrong), /--detach-keys/);
});

test('nothing passes once the keys were typed, in one piece or in two', () => {
  assert.equal(typed('ctrl-p,ctrl-q', 'ab\x10\x11cd', 'ef').replace('!', ''), 'ab');
  assert.equal(typed('ctrl-p,ctrl-q', 'ab\x10', '\x11', 'cd').replace('!', ''), 'ab');
  assert.ok(typed('ctrl-p,ctrl-q', 'ab\x10', '\x11').includes('!'));
});

test('a beginning that goes on otherwise passes, with what begins anew', () => {
  assert.equal(typed('ctrl-p,ctrl-q', 'a\x10', 'b'), 'a\x10b');
  assert.equal(typed('ctrl-p,ctrl-q', '\x10\x10\x11').replace('!', ''), '\x10');
  assert.equal(typed('a,a,b', 'aaab').replace('!', ''), 'a');
  assert.equal(typed('a,b,a,c', 'ababac').replace('!', ''), 'ab');
});

test('the end passes what was held back', async () => {
  const stream = new DetachKeys(parseDetachKeys('a,b'), () => assert.fail());
  stream.end('xa');
  assert.equal(String(Buffer.concat(await stream.toArray())), 'xa');
});
