import assert from 'node:assert/strict';
import { it } from 'node:test';
import { verityOf, verityRequestsOf } from '../../../volumes/verity/request.js';

const HASH = 'ab'.repeat(32);

it('gathers what annotations say of each volume, with defaults', () => {
  const requests = verityRequestsOf({
    'roothash.verity.crib.dev/models': HASH.toUpperCase(),
    'roothash.verity.crib.dev/site': `sha256:${HASH}`,
    'action.verity.crib.dev/site': 'panic',
    'hold.verity.crib.dev/site': 'copy',
    'path.verity.crib.dev/site': '/srv/site',
    'other.example/models': 'x',
    'notverity.crib.dev/models': 'x',
  });
  assert.deepEqual(requests, [
    { name: 'models', rootHash: `sha256:${HASH}`, action: 'error', hold: 'watch', containerPath: undefined },
    { name: 'site', rootHash: `sha256:${HASH}`, action: 'panic', hold: 'copy', containerPath: '/srv/site' },
  ]);
  assert.equal(verityOf(requests, '/anywhere', 'models'), requests[0]);
  assert.equal(verityOf(requests, '/srv/site', 'models'), requests[1], 'the path wins');
  assert.equal(verityOf(requests, '/anywhere', 'site'), undefined, 'a name with a path is no name of a volume');
  assert.equal(verityOf(requests, '/anywhere', undefined), undefined);
});

for (const [annotations, message] of [
  [
    { 'action.verity.crib.dev/v': 'panick', 'roothash.verity.crib.dev/v': HASH },
    /action.*"panick" is refused: it is error or panic/,
  ],
  [{ 'action.verity.crib.dev/v': '', 'roothash.verity.crib.dev/v': HASH }, /"" is refused/],
  [{ 'hold.verity.crib.dev/v': 'no', 'roothash.verity.crib.dev/v': HASH }, /it is watch, check or copy/],
  [{ 'path.verity.crib.dev/v': 'srv', 'roothash.verity.crib.dev/v': HASH }, /no absolute path in normal form/],
  [{ 'path.verity.crib.dev/v': '/srv/', 'roothash.verity.crib.dev/v': HASH }, /no absolute path in normal form/],
  [{ 'roothash.verity.crib.dev/v': HASH.slice(1) }, /it is no SHA-256/],
  [{ 'roothash.verity.crib.dev/v': `sha512:${HASH}` }, /it is no SHA-256/],
  [{ 'action.verity.crib.dev/v': 'error' }, /roothash.*it is missing/],
  [{ 'rothash.verity.crib.dev/v': HASH }, /there is no "rothash"; there are: roothash/],
  [{ 'verity.crib.dev/v': HASH }, /there is no ""/],
] as const) {
  it(`refuses ${JSON.stringify(annotations)}`, () => {
    assert.throws(() => verityRequestsOf(annotations as Record<string, string>), { code: 'INVALID_ARGUMENT', message });
  });
}
