import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Spec } from '../report.js';
import { focusOf, isCut, type Kill, verdicts } from './verdicts.js';

const KILLS: readonly Kill[] = [{ victim: 'cribd', at: 1_000, over: 1_500 }];
const UNAVAILABLE = 'Unexpected error: rpc error: code = Unavailable desc = connection error';

const spec = (name: string, state: Spec['state'], message = '', at = 1_200, failedCall = ''): Spec => ({
  ...{ name, state, message, at },
  ...{ began: at - 500, failedCall },
});

test('a failure is a cut by what its call ended with, and only while something was dead', () => {
  assert.ok(isCut(spec('a', 'failed', UNAVAILABLE), KILLS));
  assert.ok(isCut(spec('a', 'failed', 'error reading from server: EOF'), KILLS));
  assert.ok(isCut(spec('a', 'failed', UNAVAILABLE, 5_400), KILLS), 'the client has not tried again yet');
  assert.ok(!isCut(spec('a', 'failed', UNAVAILABLE, 900), KILLS), 'before the kill');
  assert.ok(!isCut(spec('a', 'failed', UNAVAILABLE, 6_000), KILLS), 'long after it');
  assert.ok(!isCut(spec('a', 'failed', 'Expected 255 to equal 0'), KILLS));
  assert.ok(!isCut(spec('a', 'failed', 'code = NotFound desc = there is no pod'), KILLS));
  assert.ok(!isCut(spec('a', 'passed'), KILLS));
});

test('a stream that was cut is one however late its spec notices, but not where the kill was before the spec', () => {
  const lost = { ...spec('a', 'failed', 'lost connection to pod', 61_000), began: 900 };
  assert.ok(isCut(lost, KILLS));
  assert.ok(!isCut({ ...lost, began: 1_600 }, KILLS));
});

test('a stream that was opened into a dying connection is told half a minute later', () => {
  const message = 'failed to open streamer Unexpected error: <*errors.errorString | 0x1>: Timeout occurred';
  assert.ok(isCut(spec('a', 'failed', message, 30_900), KILLS));
  assert.ok(!isCut(spec('a', 'failed', message, 31_600), KILLS), 'opened when the next one was there');
  assert.ok(!isCut(spec('a', 'failed', message, 30_400), KILLS), 'opened long before: nobody answered');
});

test('a call that was cut is one too where its spec expected an error, but only the last one before it failed', () => {
  const at = new Date(2026, 10, 26, 9, 44, 41, 901).getTime();
  const kills: Kill[] = [{ victim: 'both', at: at - 5, over: at + 700 }];
  const call =
    '"ExecSync cmd from runtime service failed" err="rpc error: code = Unavailable desc = error reading: EOF"';
  const failed = (line: string) => spec('a', 'failed', 'Expected <string>: to equal <string>: touch', at, line);
  assert.ok(isCut(failed(`E1126 09:44:41.900455     381 remote_runtime.go:636] ${call}`), kills));
  assert.ok(
    !isCut(failed(`E1126 09:44:38.900455     381 remote_runtime.go:636] ${call}`), kills),
    'it went on after that',
  );
  assert.ok(!isCut(failed(''), kills));
  const late = spec('a', 'failed', 'rpc error: code = Unavailable desc = error reading: EOF', at + 60_000);
  assert.ok(
    isCut({ ...late, failedCall: `E1126 09:44:41.950000 381 remote_runtime.go:459] ${call}` }, kills),
    'told late',
  );
  assert.ok(!isCut(late, kills));
});

test('a spec that was cut is what it is alone; one that failed otherwise has failed, whatever comes then', () => {
  const disturbed = [
    spec('passes', 'passed'),
    spec('cut', 'failed', UNAVAILABLE),
    spec('cut', 'passed'),
    spec('fails alone', 'failed', UNAVAILABLE),
    spec('broken', 'failed', UNAVAILABLE),
    spec('broken', 'failed', 'a line is missing'),
    spec('skipped', 'skipped', 'no AppArmor'),
    spec('lost', 'failed', UNAVAILABLE),
  ];
  const alone = [spec('cut', 'passed'), spec('fails alone', 'failed', 'always'), spec('broken', 'passed')];
  assert.deepEqual(
    verdicts(disturbed, alone, KILLS).map(({ name, state, message }) => [name, state, message]),
    [
      ['passes', 'passed', ''],
      ['cut', 'passed', ''],
      ['fails alone', 'failed', 'always'],
      ['broken', 'failed', 'passed alone; a line is missing'],
      ['skipped', 'skipped', 'no AppArmor'],
      ['lost', 'failed', `cut, and not run again: ${UNAVAILABLE}`],
    ],
  );
});

test('a name chooses its own spec', () => {
  const pattern = new RegExp(focusOf('[k8s.io] Exec a (b) c'));
  assert.match('CRI validation [k8s.io] Exec a (b) c', pattern);
  assert.doesNotMatch('CRI validation [k8s.io] Exec a (b) c and d', pattern);
});
