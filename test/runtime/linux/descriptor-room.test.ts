import assert from 'node:assert/strict';
import fs from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { RLIMIT_NOFILE } from '../../../runtime/linux/constants.js';
import { DescriptorRoom, openDescriptors } from '../../../runtime/linux/descriptor-room.js';
import { type ResourceLimit, resourceLimit } from '../../../runtime/linux/processes.js';

const LIMIT = 240;
const RESERVE = LIMIT / 4;
let before: ResourceLimit;
const opened: number[] = [];

beforeEach(() => {
  before = resourceLimit(RLIMIT_NOFILE);
  resourceLimit(RLIMIT_NOFILE, { soft: BigInt(LIMIT), hard: before.hard });
});

afterEach(() => {
  closeAll();
  resourceLimit(RLIMIT_NOFILE, before);
});

const open = () => opened.push(fs.openSync('/dev/null', 'r'));

function closeAll(): void {
  for (const fd of opened.splice(0)) fs.closeSync(fd);
}

test('what is new is refused while there is a reserve left, and let in again when others have ended', () => {
  const room = new DescriptorRoom();
  const base = openDescriptors();
  const refusal = { code: 'RESOURCE_EXHAUSTED', message: /^opening one: \d+ of 240 descriptors .*RLIMIT_NOFILE/ };
  const fill = () => {
    for (;;) {
      const done = room.take(1, 'opening one');
      open();
      done();
    }
  };
  assert.throws(fill, refusal);
  assert.equal(opened.length, LIMIT - RESERVE - base);
  const filled = opened.length;
  assert.throws(
    () => {
      for (;;) open();
    },
    { code: 'EMFILE' },
  );
  assert.ok(opened.length - filled >= RESERVE, 'the reserve was all there');
  assert.throws(() => room.take(1, 'opening one'), refusal, 'also when nothing can be counted any more');
  closeAll();
  assert.throws(fill, refusal);
  assert.equal(opened.length, LIMIT - RESERVE - base);
});

test('who was let in and has not opened yet is counted; being done twice is being done once', () => {
  const room = new DescriptorRoom();
  const most = LIMIT - RESERVE - openDescriptors();
  const first = room.take(most - 10, 'the first');
  const second = room.take(10, 'the second');
  assert.throws(() => room.take(1, 'the third'), { code: 'RESOURCE_EXHAUSTED' });
  second();
  second();
  assert.throws(() => room.take(11, 'the third'), { code: 'RESOURCE_EXHAUSTED' });
  const third = room.take(10, 'the third');
  first();
  third();
  room.take(most, 'all')();
  assert.throws(() => room.take(most + 1, 'more'), { code: 'RESOURCE_EXHAUSTED' });
});

test('open descriptors are counted as /proc lists them', () => {
  const listed = () => fs.readdirSync('/proc/self/fd').length - 1; // and the one that lists
  assert.equal(openDescriptors(), listed());
  for (let more = 0; more < 70; more++) open();
  assert.equal(openDescriptors(), listed());
});
