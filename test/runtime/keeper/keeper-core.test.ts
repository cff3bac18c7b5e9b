import assert from 'node:assert/strict';
import test from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import { daemon, KEEPER_PATH, QUIET_LOG, withKeeper } from './harness.js';

const LIMIT = { timeout: 60_000 };
const refusal = (wanted: string) => (error: unknown) => error instanceof CribError && error.code === wanted;

/** A create that takes half a second after the container runs. */
function slow(script: string): string[] {
  const [shell = '', option = '', start = '', ...rest] = daemon(script);
  return [shell, option, `${start}; sleep 0.5`, ...rest];
}

test('a create that its client died in is finished, and the next client waits for it', LIMIT, async () => {
  await withKeeper(async ({ client, state, spec, exitOf }) => {
    const first = new KeeperClient({ state, keeperPath: KEEPER_PATH, log: QUIET_LOG });
    await first.connect();
    const wanted = spec('slow', { createArgv: slow('exec sleep 60') });
    const failing = spec('failing', { createArgv: ['sh', '-c', 'sleep 0.3; exit 3'] });
    const creating = [first.create(wanted), first.create(failing)].map((create) => create.catch(() => undefined));
    await first.list(); // both were received
    first.disconnect();
    await Promise.all(creating);
    assert.deepEqual(await client.list(), []);
    await assert.rejects(client.settled(50), refusal('DEADLINE_EXCEEDED'));
    await client.settled(10_000);
    assert.deepEqual(
      (await client.list()).map(({ id }) => id),
      ['slow'],
    );
    await client.signal('slow', 15);
    assert.equal((await exitOf('slow')).exit?.exitCode, 143);
  });
});

test('a container that ends at once has started before it ended', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf }) => {
    for (const id of ['a', 'b', 'c']) {
      const { startedAt } = await client.create(spec(id, { createArgv: slow('true') }));
      const ended = await exitOf(id);
      assert.equal(ended.startedAt, startedAt);
      assert.ok(BigInt(startedAt) > 0n);
      assert.ok(BigInt(ended.exit?.finishedAt ?? 0) >= BigInt(startedAt));
    }
  });
});
