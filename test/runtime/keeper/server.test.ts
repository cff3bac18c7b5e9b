import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { V8_FLAGS } from '../../../runtime/keeper/launch.js';
import { requestUpgrade } from '../../../runtime/keeper/upgrade-request.js';
import { until } from '../../support/until.js';
import { KEEPER_PATH, withKeeper } from './harness.js';
import { errorOf, greetedClient, HELLO, rawClient } from './raw-client.js';

const LIMIT = { timeout: 120_000 };

function isSocket(link: string): boolean {
  try {
    return fs.readlinkSync(link).startsWith('socket:');
  } catch {
    return false; // it was closed meanwhile
  }
}

/** Another file of the same keeper. */
function program(state: string) {
  const main = path.join(path.dirname(state), 'other.mjs');
  fs.writeFileSync(main, `import ${JSON.stringify(pathToFileURL(KEEPER_PATH).href)};\n`);
  return { program: process.execPath, flags: V8_FLAGS, main };
}

test('an exit is told to everybody who has said hello, and to nobody else', LIMIT, () =>
  withKeeper(async ({ client, spec, exitOf, state }) => {
    const [one, two, silent] = [await greetedClient(state), await greetedClient(state), await rawClient(state)];
    await client.create(spec('ends', { script: 'exit 5' }));
    for (const raw of [one, two]) {
      const { exit } = (await raw.take()) as { exit: { id: string; exit: { exitCode: number } } };
      assert.deepEqual([exit.id, exit.exit.exitCode], ['ends', 5]);
    }
    await exitOf('ends');
    silent.send(HELLO);
    assert.ok((await silent.take())?.hello, 'the first that it hears is the hello');
    for (const raw of [one, two, silent]) raw.close();
  }),
);

test(
  'an upgrade carries connections over: greeted or not, with requests half sent, and all who asked are answered',
  LIMIT,
  () =>
    withKeeper(async ({ client, spec, exitOf, state }) => {
      const { pid } = client;
      const next = program(state);
      const build = async () => {
        const raw = await rawClient(state);
        raw.send(HELLO);
        const hello = await raw.take();
        raw.close();
        return hello?.build;
      };
      const first = await build();
      await client.create(spec('lasts', { script: 'exec sleep 1000' }));
      const [greeted, silent] = [await greetedClient(state), await rawClient(state)];
      const gone = await greetedClient(state);
      const asked = Promise.all([requestUpgrade(state, next), requestUpgrade(state, next)]);
      gone.close();
      await asked;
      assert.equal(client.pid, pid);
      assert.notEqual(await build(), first, 'it says which file it runs');
      greeted.send({ id: 1, method: 'ping', params: {} });
      assert.equal(((await greeted.take()) as { result: { pid: number } }).result.pid, pid);
      silent.send({ id: 1, method: 'ping', params: {} });
      assert.equal(errorOf(await silent.take()).code, 'FAILED_PRECONDITION', 'it has not said hello yet');
      await client.signal('lasts', 15);
      const { exit } = (await greeted.take()) as { exit: { id: string } };
      assert.equal(exit.id, 'lasts');
      assert.equal((await exitOf('lasts')).exit?.exitCode, 143);
      greeted.close();
      const sockets = () => fs.readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`)).length;
      const before = sockets();
      const more = await rawClient(state);
      await until(() => sockets() > before, 'it accepts');
      more.close();
      await until(() => sockets() <= before, 'and lets go of who has gone');
    }),
);
