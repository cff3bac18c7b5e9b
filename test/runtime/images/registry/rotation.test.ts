import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../../../runtime/errors.js';
import type { Endpoint } from '../../../../runtime/images/registry/endpoint.js';
import { RegistryFailure } from '../../../../runtime/images/registry/failure.js';
import { DEFAULT_RETRY, Rotation } from '../../../../runtime/images/registry/rotation.js';

const NEVER = new AbortController().signal;
const POLICY = { ...DEFAULT_RETRY, attempts: 3, baseMs: 1, maxMs: 2, retryAfterMaxMs: 100, resumes: 2 };
const trust = { authorities: [], identities: [], skipVerify: false, connectMs: undefined };
const endpoint = (origin: string, upstream: boolean): Endpoint => ({
  ...{
    origin,
    apiPath: '/v2',
    capabilities: new Set(),
    headers: {},
    trust,
    foreignTrust: trust,
    upstream,
    namespace: undefined,
  },
});
const mirror = endpoint('https://mirror', false);
const registry = endpoint('https://registry', true);
const passing = (retryAfterMs?: number) =>
  new RegistryFailure('UNAVAILABLE', 'it is busy', { retryable: true, retryAfterMs });
const lasting = new RegistryFailure('NOT_FOUND', 'no such image');

/** Asks until the end, each failing as `how` says; whom it asked, and the final error. */
async function exhaust(
  rotation: Rotation,
  how: (asked: Endpoint, index: number) => CribError,
): Promise<[string[], CribError]> {
  const asked: string[] = [];
  for (;;) {
    let next: Endpoint;
    try {
      next = await rotation.next(NEVER);
    } catch (error) {
      assert.ok(error instanceof CribError);
      return [asked, error];
    }
    asked.push(next.origin);
    rotation.failed(next, how(next, asked.length), NEVER);
  }
}

test('those whose failure may pass are asked again, so many rounds; the registry’s own error counts', async () => {
  const [asked, error] = await exhaust(new Rotation('pull x', [mirror, registry], POLICY), (which) =>
    which === mirror ? passing() : lasting,
  );
  assert.deepEqual(asked, ['https://mirror', 'https://registry', 'https://mirror', 'https://mirror']);
  assert.deepEqual([error.code, error.message], ['NOT_FOUND', 'pull x: no such image (before that: it is busy)']);
  const [both] = await exhaust(new Rotation('x', [mirror, registry], POLICY), () => passing());
  assert.equal(both.length, 6);
  const [once, first] = await exhaust(
    new Rotation('x', [mirror], POLICY),
    () => new CribError('DATA_LOSS', 'wrong bytes'),
  );
  assert.deepEqual([once.length, first.code], [1, 'DATA_LOSS']);
});

test('progress begins the count anew, but not for ever', async () => {
  const rotation = new Rotation('x', [registry], POLICY);
  const [asked] = await exhaust(rotation, (_, index) => {
    if (index % 2 === 0) rotation.progressed();
    return passing();
  });
  assert.ok(asked.length > 3 && asked.length < 10, `${asked.length}`);
});

test('a wait that is asked for is kept, a long one is given up on, and an end while waiting is the caller’s', async () => {
  const rotation = new Rotation('x', [registry], POLICY);
  rotation.failed(await rotation.next(NEVER), passing(60), NEVER);
  const began = performance.now();
  await rotation.next(NEVER);
  assert.ok(performance.now() - began >= 59);
  const [asked] = await exhaust(new Rotation('x', [registry], POLICY), () => passing(101));
  assert.equal(asked.length, 1);
  const waiting = new Rotation('pull x', [registry], { ...POLICY, baseMs: 100_000, maxMs: 100_000 });
  waiting.failed(await waiting.next(NEVER), passing(), NEVER);
  const abort = new AbortController();
  const next = waiting.next(abort.signal);
  abort.abort();
  await assert.rejects(next, { code: 'CANCELLED', message: /^pull x: / });
  assert.throws(() => waiting.failed(registry, passing(), abort.signal), { code: 'CANCELLED' });
  assert.throws(() => waiting.failed(registry, new TypeError('a bug'), NEVER), TypeError);
});
