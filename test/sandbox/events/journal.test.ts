import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { RecordedEvent } from '../../../sandbox/events/event.js';
import { EventJournal } from '../../../sandbox/events/journal.js';
import { recordingLog } from '../../support/log.js';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-journal-'));
  file = path.join(directory, 'journal');
});

afterEach(() => fs.rm(directory, { recursive: true }));

function event(seq: number, type: RecordedEvent['type'] = 'created', id = `c${seq}`): RecordedEvent {
  return { seq, type, containerId: id, podId: 'pod', createdAt: String(seq), pod: undefined, containers: [] };
}

async function all(journal: EventJournal): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of journal.read(0, Number.MAX_SAFE_INTEGER)) seqs.push(seq);
  return seqs;
}

test('a torn line is passed over, and what is written after it is whole', async () => {
  const first = new EventJournal(file, recordingLog().log);
  assert.equal((await first.open()).existed, false);
  first.append(event(1));
  await first.close();
  await fs.appendFile(file, 'E 2 created c2 pod {"seq":2,"ty');
  const second = new EventJournal(file, recordingLog().log);
  const state = await second.open();
  assert.deepEqual([state.existed, state.seq, [...state.last.keys()]], [true, 1, ['c1']]);
  second.append(event(2, 'deleted', 'c1'));
  assert.deepEqual(await all(second), [1, 2]);
  await second.close();
  const third = new EventJournal(file, recordingLog().log);
  assert.deepEqual([...(await third.open()).last], []);
  await third.close();
});

test('a line that is whole and no event is passed over, and its number counts for nothing', async () => {
  const first = new EventJournal(file, recordingLog().log);
  await first.open();
  first.append(event(1));
  await first.close();
  const others = [
    'E nine created c2 pod {}',
    'E 900 created c3 pod {"seq":900}',
    `E 2 born c4 pod ${JSON.stringify(event(2))}`,
  ];
  const foreign = { ...event(3), type: 'born' };
  await fs.appendFile(file, `${others.join('\n')}\nE 3 born c5 pod ${JSON.stringify(foreign)}\n`);
  const second = new EventJournal(file, recordingLog().log);
  const { seq, last } = await second.open();
  assert.deepEqual([seq, [...last.keys()]], [2, ['c1', 'c2']]);
  assert.deepEqual(await all(second), [1, 2]);
  await second.close();
});

test('two files of a bounded size are all there is', async () => {
  const journal = new EventJournal(file, recordingLog().log, 2000);
  await journal.open();
  for (let seq = 1; seq <= 200; seq += 1) {
    journal.append(event(seq, 'created', 'same'));
    await journal.written();
  }
  const kept = await all(journal);
  assert.ok(kept.length < 60, `${kept.length} events are kept`);
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, index) => 201 - kept.length + index),
  );
  await journal.close();
  assert.deepEqual((await fs.readdir(directory)).sort(), ['journal', 'journal.1']);
});

test('a journal that cannot be written is said so once, and holds nobody up', async () => {
  const { log, lines } = recordingLog();
  const journal = new EventJournal(path.join(directory, 'sub', 'journal'), log, 10);
  await fs.mkdir(path.join(directory, 'sub'));
  await journal.open();
  await fs.rm(path.join(directory, 'sub'), { recursive: true });
  for (let seq = 1; seq <= 3; seq += 1) {
    journal.append(event(seq));
    await journal.written();
  }
  await journal.close();
  assert.deepEqual(
    lines.map(({ level, message }) => `${level}: ${message}`),
    ['warn: events cannot be kept on disk'],
  );
});

test('a file that was taken away from it is followed by another, which it goes on with', async () => {
  const { log, lines } = recordingLog();
  const journal = new EventJournal(file, log, 2000);
  await journal.open();
  await fs.rm(file);
  for (let seq = 1; seq <= 60; seq += 1) {
    journal.append(event(seq, 'created', 'same'));
    await journal.written();
  }
  const kept = await all(journal);
  assert.ok(kept.length > 5 && kept.length < 60, `${kept.length} events are kept`);
  assert.equal(kept.at(-1), 60);
  await journal.close();
  assert.deepEqual([(await fs.readdir(directory)).sort(), lines], [['journal', 'journal.1'], []]);
});
