import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { V8_FLAGS } from '../../../runtime/keeper/launch.js';
import { requestUpgrade } from '../../../runtime/keeper/upgrade-request.js';
import { until } from '../../support/until.js';
import { type Harness, KEEPER_PATH, withKeeper } from './harness.js';
import { clientPipes } from './pipes.js';
import { NO_RUNC, withRunc } from './runc.js';
import { sessionSpec } from './session-spec.js';

const LIMIT = { timeout: 120_000 };
const NEVER = new AbortController().signal;
const UPGRADES = 12;
const COUNT = `i=0; while ! [ -e "$STOP" ]; do i=$((i+1)); echo $i; [ $((i % 50)) = 0 ] && sleep 0.005; done; echo last $i`;
const descriptors = (pid: number) => fs.readdirSync(`/proc/${pid}/fd`).length;

/** Other bytes than `KEEPER_PATH`, the same keeper. */
function otherBuild(state: string, number: number): string {
  const file = path.join(path.dirname(state), `keeper-${number}.mjs`);
  fs.writeFileSync(file, `import ${JSON.stringify(pathToFileURL(KEEPER_PATH).href)}; // ${number}\n`);
  return file;
}

async function upgrade({ state, client }: Harness, number: number): Promise<void> {
  const main = otherBuild(state, number);
  await requestUpgrade(state, { program: process.execPath, flags: V8_FLAGS, main });
  const line = fs.readFileSync(`/proc/${client.pid}/cmdline`, 'utf8').split('\0');
  assert.ok(line.includes(main), 'it runs the other file');
}

/** Every number from 1, each once and in order, and the last one as the container says. */
function assertWhole(lines: readonly string[]): void {
  const last = Number(lines.at(-1)?.replace('last ', ''));
  assert.equal(lines.length, last + 1, 'no line is lost or doubled');
  assert.ok(
    lines.slice(0, -1).every((line, index) => line === String(index + 1)),
    'they are in order',
  );
}

test('twelve upgrades in a row under load: no line, exit, exec or byte is lost', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const { client, spec, exitOf, logOf, state } = harness;
    const pid = client.pid;
    const stop = path.join(state, 'stop');
    const writers = ['a', 'b', 'c'];
    for (const id of writers) {
      const wanted = spec(id, { script: `(${COUNT}); exit 9` });
      await client.create({ ...wanted, env: { ...wanted.env, STOP: stop } });
    }
    await client.create(spec('cat', { script: 'cat; exit 4', stdio: { stdin: true, stdinOnce: true } }));
    const pipes = clientPipes();
    const attached = client.attach('cat', pipes.passed, pipes.handedOver, NEVER);
    const typing = clientPipes();
    const session = client.session(sessionSpec(harness, 'cat; exit 11', typing), typing.handedOver, NEVER);
    const exec = (script: string) => {
      const argv = ['sh', '-c', script];
      return client.exec({ argv, env: { PATH: '/usr/bin:/bin' }, pidFile: '', timeoutMs: 30_000, maxOutputBytes: 1e7 });
    };
    const long = exec('i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; sleep 0.01; done; exit 7');
    let done = false;
    const probes: Promise<number>[] = [];
    const probing = (async () => {
      for (let index = 0; !done; index++) {
        probes.push(exec(`exit ${index % 100}`).then(({ exitCode }) => exitCode - (index % 100)));
        await probes.at(-1);
      }
    })();
    const ended: string[] = [];
    for (let number = 1; number <= UPGRADES; number++) {
      pipes.stdin.write(`to the container ${number}\n`);
      typing.stdin.write(`to the session ${number}\n`);
      ended.push(`ends-${number}`);
      const creating = client.create(spec(`ends-${number}`, { script: `sleep 0.0${number % 10}; exit ${number}` }));
      await Promise.all([upgrade(harness, number), creating]);
    }
    assert.equal(client.pid, pid);
    done = true;
    await probing;
    assert.ok((await Promise.all(probes)).every((difference) => difference === 0));
    assert.ok(probes.length > UPGRADES);
    fs.writeFileSync(stop, '');
    for (const [index, id] of ended.entries()) assert.equal((await exitOf(id)).exit?.exitCode, index + 1, id);
    for (const id of writers) {
      assert.equal((await exitOf(id)).exit?.exitCode, 9);
      assertWhole(logOf(id).map(([, , text]) => text));
    }
    const long7 = await long;
    assert.equal(long7.exitCode, 7);
    assert.equal(long7.stdout.toString(), Array.from({ length: 300 }, (_, index) => `${index + 1}\n`).join(''));
    pipes.stdin.end();
    typing.stdin.end();
    assert.equal(await session, 11);
    await attached;
    const words = (whom: string) =>
      Array.from({ length: UPGRADES }, (_, index) => `to the ${whom} ${index + 1}\n`).join('');
    assert.equal(await pipes.stdout, words('container'));
    assert.equal(await typing.stdout, words('session'));
    assert.equal((await exitOf('cat')).exit?.exitCode, 4);
    for (const open of [pipes, typing]) open.close();
  });
});

test('an upgrade leaves no descriptor behind, and the next death is survived as ever', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const { client, spec, exitOf } = harness;
    await client.create(spec('kept', { script: 'exec sleep 60', stdio: { stdin: true } }));
    const inherited = async () => {
      const argv = ['sh', '-c', 'ls /proc/self/fd; ulimit -Sn'];
      const env = { PATH: '/usr/bin:/bin' };
      return `${(await client.exec({ argv, env, pidFile: '', timeoutMs: 0, maxOutputBytes: 999 })).stdout}`;
    };
    const fresh = await inherited();
    await upgrade(harness, 1);
    const before = descriptors(client.pid);
    for (const number of [2, 3, 4]) await upgrade(harness, number);
    await until(() => descriptors(client.pid) === before, 'no more are open than after the first');
    assert.deepEqual(await inherited(), fresh, 'no child inherits what was handed over');
    process.kill(client.pid, 'SIGKILL');
    const found = async () => (await client.list().catch(() => [])).length;
    await until(async () => (await found()) === 1, 'the next one has it');
    await client.signal('kept', 15);
    assert.equal((await exitOf('kept')).exit?.exitCode, 143);
  });
});

test('a terminal goes on through upgrades', { ...LIMIT, skip: NO_RUNC }, async () => {
  await withRunc(async ({ harness, start }) => {
    const { client, exitOf, logOf } = harness;
    const script =
      'stty -echo; (i=0; while :; do i=$((i+1)); echo $i; [ $((i % 50)) = 0 ] && sleep 0.005; done) & read x; exit $x';
    await start('tty', script, { tty: true, stdio: { stdin: true } });
    for (let number = 1; number <= UPGRADES; number++) await upgrade(harness, number);
    const pipes = clientPipes(['stdin']);
    const attached = client.attach('tty', pipes.passed, pipes.handedOver, NEVER);
    pipes.stdin.end('8\n');
    await attached;
    assert.equal((await exitOf('tty')).exit?.exitCode, 8);
    const numbers = logOf('tty').flatMap(([, tag, text]) => (tag === 'F' ? [Number(text)] : []));
    assert.ok(numbers.length > 0);
    assert.ok(
      numbers.every((number, index) => number === index + 1),
      'no line is lost or doubled',
    );
    pipes.close();
  });
});

test('what cannot be executed, or accepts no handover, is refused, and all goes on', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const { client, spec, exitOf, state } = harness;
    await client.create(spec('kept', { script: 'exec sleep 60' }));
    const broken = path.join(state, 'broken.mjs');
    fs.writeFileSync(broken, 'this is no program');
    const other = path.join(state, 'other.mjs');
    fs.writeFileSync(other, 'process.exitCode = 64;');
    const node = { program: process.execPath, flags: V8_FLAGS };
    for (const [program, message] of [
      [{ ...node, main: broken }, /accepts no handover/],
      [{ ...node, main: other }, /exit code is 64/],
      [{ ...node, main: KEEPER_PATH, program: '/no/such/node' }, /starting \/no\/such\/node/],
      [{ ...node, main: 'relative' }, /main must be an absolute path/],
    ] as const) {
      await assert.rejects(requestUpgrade(state, program), message);
    }
    // It starts once, to be asked, and then cannot be executed.
    const once = path.join(state, 'once');
    fs.writeFileSync(once, '#!/bin/sh\nchmod -x "$0"\n', { mode: 0o755 });
    await assert.rejects(requestUpgrade(state, { program: once, flags: [], main: KEEPER_PATH }), /EACCES/);
    await client.signal('kept', 15);
    assert.equal((await exitOf('kept')).exit?.exitCode, 143);
  });
});

test('a create that does not end calls the upgrade off; what waited meanwhile is answered', LIMIT, async () => {
  await withKeeper(async (harness) => {
    const { client, spec, state } = harness;
    const creating = client.create(spec('slow', { createArgv: ['sh', '-c', 'sleep 5; exit 1'] }));
    const refused = assert.rejects(creating);
    await client.list();
    const program = { program: process.execPath, flags: V8_FLAGS, main: KEEPER_PATH };
    const asked = requestUpgrade(state, program);
    await assert.rejects(asked, { code: 'ABORTED', message: /standstill/ });
    assert.deepEqual(await client.list(), []);
    await refused;
    await requestUpgrade(state, program);
    assert.deepEqual(await client.list(), []);
  });
});
