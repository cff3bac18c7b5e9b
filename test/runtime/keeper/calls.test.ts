import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { until } from '../../support/until.js';
import { withKeeper } from './harness.js';
import { clientPipes } from './pipes.js';
import { errorOf, greetedClient } from './raw-client.js';

const LIMIT = { timeout: 60_000 };
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
const exec = (script: string) => ({
  argv: ['sh', '-c', script],
  ...{ env, pidFile: '', timeoutMs: 0, maxOutputBytes: 100 },
});
const isThere = (pid: number) => fs.existsSync(`/proc/${pid}`);

/** What an exec has said so far, which is a number. */
const numberIn = (message: Record<string, unknown> | undefined) =>
  Number(Buffer.from(String(message?.stdout), 'base64').toString());

test('what goes on for a client ends with it, and nothing of another’s', LIMIT, () =>
  withKeeper(async ({ client, spec, state }) => {
    await client.create(spec('stays', { script: 'exec sleep 1000' }));
    const [leaves, stays] = [await greetedClient(state), await greetedClient(state)];
    for (const raw of [leaves, stays]) {
      raw.send({ id: 1, method: 'exec', params: exec('echo $$; exec sleep 1000') });
    }
    const [gone, left] = [numberIn(await leaves.take()), numberIn(await stays.take())];
    leaves.close();
    await until(() => !isThere(gone), 'its exec is killed');
    assert.ok(isThere(left));
    assert.equal((await client.list())[0]?.exit, undefined);
    stays.send({ cancel: 1 });
    assert.deepEqual(await stays.take(), { id: 1, result: { exitCode: 137, timedOut: false } });
    stays.close();
  }),
);

test('an id is free again when its request has ended, not before; a cancel of none is nothing', LIMIT, () =>
  withKeeper(async ({ state }) => {
    const raw = await greetedClient(state);
    raw.send({ cancel: 9 }, { id: 9, method: 'exec', params: exec('echo $$; exec sleep 1000') });
    assert.ok(isThere(numberIn(await raw.take())));
    raw.send({ id: 9, method: 'exec', params: exec('true') });
    const { code, message } = errorOf(await raw.take());
    assert.deepEqual([code, message], ['INVALID_ARGUMENT', 'request 9 goes on: its id is not free yet']);
    raw.send({ cancel: 9 });
    assert.deepEqual(await raw.take(), { id: 9, result: { exitCode: 137, timedOut: false } });
    raw.send({ id: 9, method: 'exec', params: exec('exit 3') });
    assert.deepEqual(await raw.take(), { id: 9, result: { exitCode: 3, timedOut: false } });
    raw.close();
  }),
);

test(
  'requests that make no sense are refused by the field, and pipes of an attachment that fails are closed',
  LIMIT,
  () =>
    withKeeper(async ({ client, spec, state }) => {
      const raw = await greetedClient(state);
      const open = () => fs.readdirSync(`/proc/${client.pid}/fd`).length;
      const before = open();
      const { passed, close } = clientPipes(['stdout']);
      for (const [method, params, expected] of [
        ['signal', { id: 'none', signal: 9 }, /has no container none/],
        ['resize', { id: 'none', columns: 80, rows: 24 }, /has no container none/],
        ['attach', { id: 'none', pipes: passed }, /has no container none/],
        ['attach', { id: 'none', pipes: { stdout: { ...passed.stdout, inode: '1' } } }, /is another/],
        ['attach', { id: 'none', pipes: { stdout: { ...passed.stdout, pid: 1.5 } } }, /pid must be a whole number/],
        ['attach', { id: 'none', pipes: [] }, /pipes must be an object/],
        ['exec', { ...exec('true'), argv: [] }, /argv/],
        ['run', { argv: ['true'], env: { PATH: 1 }, timeoutMs: 1 }, /PATH must be text/],
        ['hold', { path: 'relative' }, /path must be an absolute path/],
        ['forget', { id: '..' }, /id must/],
        ['constructor', {}, /does not know "constructor"/],
      ] as const) {
        raw.send({ id: 1, method, params });
        assert.match(String(errorOf(await raw.take()).message), expected, method);
      }
      assert.equal(open(), before);
      close();
      await client.create(spec('after', { script: 'true' }));
      raw.close();
    }),
);
