import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Attachment } from '../../../runtime/keeper/attachment.js';
import { LogFile } from '../../../runtime/keeper/log-file.js';
import { OutputReader } from '../../../runtime/keeper/output.js';
import { openPassed, passPipe } from '../../../runtime/keeper/passed-pipe.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { until } from '../../support/until.js';
import { linesOf, withKeeper } from './harness.js';
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
    await until(() => two.soFar().includes('two'), 'it reads what it has typed');
    assert.ok(!(await one.stdout).includes('two'));
    abort.abort();
    await assert.rejects(second, { code: 'CANCELLED' });
    const three = clientPipes();
    const third = client.attach('cat', three.passed, three.handedOver, NEVER);
    three.stdin.end('three\n');
    await third;
    await until(() => text(logOf('cat')).join() === 'one,two,three', 'the log has it all');
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
    await until(() => descriptors(client.pid) === before, 'all are closed');
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

test('a client that takes nothing is detached after its time; log and container go on', LIMIT, async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-attachment-'));
  const log = new LogFile(path.join(root, 'log'));
  await log.open();
  const [output, client] = [makePipe(), makePipe()];
  const reader = new OutputReader(output.reader, 'stdout', log, 16384);
  const opened = openPassed({ stdout: passPipe(client.writer) });
  fs.closeSync(client.writer);
  const to = { stdout: reader, stderr: undefined, input: undefined, closesInput: false };
  const attachment = new Attachment(opened, to, 100);
  const writer = spawn('seq', ['1', '100000'], { stdio: ['ignore', output.writer, 'inherit'] });
  fs.closeSync(output.writer);
  const ended = once(writer, 'exit');
  const detached = { code: 'ABORTED', message: 'detached: the client took no output for 0.1 s while more was waiting' };
  await assert.rejects(attachment.done, detached);
  assert.deepEqual(await ended, [0, null]);
  await reader.drained(30_000, 30_000);
  reader.close();
  await log.flush(30_000);
  log.close();
  const lines = linesOf(fs.readFileSync(log.path, 'latin1'));
  assert.deepEqual([lines.length, lines.at(-1)?.[2]], [100_000, '100000']);
  fs.closeSync(client.reader);
  fs.rmSync(root, { recursive: true });
});
