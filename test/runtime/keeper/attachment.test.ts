import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withKeeper } from './harness.js';
import { clientPipes } from './pipes.js';

const LIMIT = { timeout: 60_000 };
const NEVER = new AbortController().signal;
const descriptors = (pid: number) => fs.readdirSync(`/proc/${pid}/fd`).length;
const text = (lines: [string, string, string][]) => lines.map(([, , content]) => content);

test('stdin that is closed with the first client, in the log as at the client', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf, logOf }) => {
    await client.create(spec('cat', { script: 'cat; echo eof', stdio: { stdin: true, stdinOnce: true } }));
    const pipes = clientPipes();
    const attached = client.attach('cat', pipes.passed, pipes.handedOver, NEVER);
    pipes.stdin.end('hello\n');
    await attached;
    await exitOf('cat');
    assert.equal(await pipes.stdout, 'hello\neof\n');
    assert.deepEqual(text(logOf('cat')), ['hello', 'eof']);
    await assert.rejects(
      client.attach('cat', {}, () => undefined, NEVER),
      { code: 'FAILED_PRECONDITION' },
    );
    await assert.rejects(
      client.attach('other', {}, () => undefined, NEVER),
      { code: 'NOT_FOUND' },
    );
    pipes.close();
  });
});

test('stdin that stays open: the end of a client detaches it alone, and two may type', LIMIT, async () => {
  await withKeeper(async ({ client, spec, logOf }) => {
    await client.create(spec('cat', { script: 'exec cat', stdio: { stdin: true } }));
    const [one, two] = [clientPipes(), clientPipes()];
    const first = client.attach('cat', one.passed, one.handedOver, NEVER);
    const abort = new AbortController();
    const second = client.attach('cat', two.passed, two.handedOver, abort.signal);
    one.stdin.end('one\n');
    await first;
    two.stdin.write('two\n');
    while (!two.soFar().includes('two')) await sleep(5);
    assert.ok(!(await one.stdout).includes('two'));
    abort.abort();
    await assert.rejects(second, { code: 'CANCELLED' });
    const three = clientPipes();
    const third = client.attach('cat', three.passed, three.handedOver, NEVER);
    three.stdin.end('three\n');
    await third;
    for (let wait = 0; wait < 100 && logOf('cat').length < 3; wait += 1) await sleep(20);
    assert.deepEqual(text(logOf('cat')), ['one', 'two', 'three']);
    for (const pipes of [one, two, three]) pipes.close();
  });
});

test('a client that leaves without a word costs the container nothing, nor one that is not read', LIMIT, async () => {
  await withKeeper(async ({ client, spec, exitOf, logOf }) => {
    await client.create(spec('warm', { script: 'true' }));
    await exitOf('warm');
    const before = descriptors(client.pid);
    await client.create(spec('seq', { script: 'sleep 0.3; seq 1 40000; exit 5' }));
    const gone = clientPipes(['stdout']);
    const attached = client.attach('seq', gone.passed, () => gone.close(), NEVER);
    const stuck = clientPipes(['stdout'], false);
    const abort = new AbortController();
    const waiting = client.attach(
      'seq',
      stuck.passed,
      () => {
        stuck.handedOver();
        setTimeout(() => abort.abort(), 1500);
      },
      abort.signal,
    );
    await attached;
    await assert.rejects(waiting, { code: 'CANCELLED' });
    assert.equal((await exitOf('seq')).exit?.exitCode, 5);
    assert.equal(logOf('seq').length, 40_000);
    stuck.close();
    for (let wait = 0; wait < 100 && descriptors(client.pid) !== before; wait += 1) await sleep(20);
    assert.equal(descriptors(client.pid), before);
  });
});

test('a container that closes its output ends the attachment; one that ends closes what is typed', LIMIT, async () => {
  await withKeeper(async ({ client, spec }) => {
    await client.create(
      spec('closes', { script: 'sleep 0.3; exec >&- 2>&-; exec sleep 1000', stdio: { stdin: true } }),
    );
    const pipes = clientPipes();
    await client.attach('closes', pipes.passed, pipes.handedOver, NEVER);
    assert.equal((await client.list())[0]?.exit, undefined, 'it still runs');
    await client.create(spec('ends', { script: 'sleep 0.3', stdio: { stdin: true } }));
    const typing = clientPipes(['stdin']);
    await client.attach('ends', typing.passed, typing.handedOver, NEVER);
    for (const open of [pipes, typing]) open.close();
  });
});
