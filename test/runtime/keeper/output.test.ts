import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { LogFile } from '../../../runtime/keeper/log-file.js';
import { OutputReader, readAvailable } from '../../../runtime/keeper/output.js';
import { PipeWriter } from '../../../runtime/keeper/pipe-writer.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { linesOf } from './harness.js';

test('what is read reaches the log and whoever is attached, an unfinished line too, and both end with it', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-output-'));
  const log = new LogFile(path.join(root, 'x.log'));
  await log.open();
  const [output, tap] = [makePipe(), makePipe()];
  const reader = new OutputReader(output.reader, 'stderr', log, 16384);
  reader.addTap(new PipeWriter(tap.writer, 1000));
  const client = new net.Socket({ fd: tap.reader, readable: true, writable: false });
  let text = '';
  client.on('data', (data: Buffer) => {
    text += data.toString();
  });
  const closed = new Promise((resolve) => client.on('close', resolve));
  fs.writeSync(output.writer, 'one\ntw');
  fs.writeSync(output.writer, 'o\nthr');
  fs.closeSync(output.writer);
  await reader.drained(5000, 5000);
  assert.equal(reader.ended, true);
  await closed;
  reader.close();
  await log.flush(5000);
  log.close();
  assert.equal(text, 'one\ntwo\nthr');
  assert.deepEqual(
    linesOf(fs.readFileSync(log.path, 'latin1')).map(([stream, , content]) => [stream, content]),
    [
      ['stderr', 'one'],
      ['stderr', 'two'],
      ['stderr', 'thr'],
    ],
  );
  fs.rmSync(root, { recursive: true });
});

test('a writer that stays silent, and one that never stops, are given up on; who attaches then is told the end', async () => {
  const silent = makePipe();
  const reader = new OutputReader(silent.reader, 'stdout', undefined, 16384);
  let began = performance.now();
  await reader.drained(20, 5000);
  assert.ok(performance.now() - began < 1000);
  const busy = setInterval(() => fs.writeSync(silent.writer, 'x'), 2);
  began = performance.now();
  await reader.drained(1000, 40);
  clearInterval(busy);
  assert.ok(performance.now() - began < 900, 'the time altogether counts');
  assert.equal(reader.ended, false);
  reader.close();
  const tap = makePipe();
  const late = new PipeWriter(tap.writer, 1000);
  reader.addTap(late);
  await late.closed;
  for (const fd of [silent.writer, tap.reader]) fs.closeSync(fd);
});

test('what is in a pipe now is read up to a limit, and nothing is waited for', async () => {
  const server = net.createServer();
  const { reader, writer } = makePipe();
  const fd = fs.openSync(`/proc/self/fd/${reader}`, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  assert.equal(readAvailable(fd, 100).length, 0);
  fs.writeSync(writer, 'abcdef');
  assert.equal(readAvailable(fd, 4).toString(), 'abcd');
  assert.equal(readAvailable(fd, 4).toString(), 'ef');
  fs.closeSync(writer);
  assert.equal(readAvailable(fd, 4).length, 0);
  for (const end of [fd, reader]) fs.closeSync(end);
  server.close();
});
