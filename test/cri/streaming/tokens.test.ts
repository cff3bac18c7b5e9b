import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_TOKENS, TOKEN_LIFE_MS, Tokens } from '../../../cri/streaming/tokens.js';

test('a token is good once, and says nothing', () => {
  const tokens = new Tokens<string>();
  const token = tokens.issue('exec');
  assert.match(token, /^[\w-]{32}$/);
  assert.notEqual(token, tokens.issue('exec'));
  assert.equal(tokens.redeem(token), 'exec');
  assert.equal(tokens.redeem(token), undefined);
  assert.equal(tokens.redeem('unknown'), undefined);
});

test('a token expires', () => {
  let now = 0;
  const tokens = new Tokens<string>(() => now);
  const [early, late] = [tokens.issue('early'), tokens.issue('late')];
  now = TOKEN_LIFE_MS - 1;
  assert.equal(tokens.redeem(early), 'early');
  now = TOKEN_LIFE_MS;
  assert.equal(tokens.redeem(late), undefined);
});

test('the number of tokens is bounded; those that expired make room', () => {
  let now = 0;
  const tokens = new Tokens<number>(() => now);
  for (let index = 0; index < MAX_TOKENS; index++) tokens.issue(index);
  assert.throws(() => tokens.issue(0), { code: 'RESOURCE_EXHAUSTED' });
  now = TOKEN_LIFE_MS;
  tokens.issue(0);
});
