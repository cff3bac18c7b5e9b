import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ClientHolder, Holders } from '../../../runtime/keeper/holders.js';
import { makePipe } from '../../../runtime/linux/descriptors.js';
import { acceptUnix, connectUnix, listenUnix, receiveDescriptors } from '../../../runtime/linux/sockets.js';

test('many containers go in few messages; what has no room waits, and what is dropped meanwhile is never sent', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-holders-'));
  const listener = listenUnix(path.join(root, 'sock'), 'packets');
  const holder = new ClientHolder(connectUnix(path.join(root, 'sock'), 'packets'), () => undefined);
  const client = acceptUnix(listener) ?? assert.fail();
  const { reader, writer } = makePipe();
  const all = new Holders();
  all.add(holder);
  holder.giveAll(
    Array.from({ length: 250 }, (_, index) => ({ id: `c${index}`, descriptors: () => ({ stdout: reader }) })),
  );
  let messages = 0;
  const ids: string[] = [];
  const take = () => {
    for (let next = receiveDescriptors(client); next !== undefined; next = receiveDescriptors(client)) {
      messages++;
      const { give = [] } = JSON.parse(next.data.toString()) as { give?: [string, string[]][] };
      ids.push(...give.map(([id]) => id));
      assert.equal(next.descriptors.length, give.length);
      for (const fd of next.descriptors) fs.closeSync(fd);
    }
  };
  take();
  assert.deepEqual([messages, ids.length], [3, 250]);
  let sent = 0;
  while (holder.flush()) all.give(`x${sent++}`, () => ({ stdin: writer }));
  all.give('dropped', () => ({ stdin: writer }));
  all.drop('dropped');
  all.give('half', () => ({ stdin: writer, stdout: reader }));
  all.drop('half', ['stdin']);
  let open = true;
  all.give('ended', () => (open ? { stdin: 1_000_000 } : {}));
  open = false;
  do take();
  while (!holder.flush());
  take();
  assert.equal(ids.length, 250 + sent + 1);
  assert.ok(ids.includes('half') && !ids.includes('dropped'));
  assert.ok(!ids.includes('ended'), 'of a container whose descriptors were closed meanwhile nothing is sent');
  fs.closeSync(client);
  all.give('late', () => ({ stdout: reader }));
  all.remove(holder);
  holder.close();
  for (const fd of [reader, writer, listener]) fs.closeSync(fd);
  fs.rmSync(root, { recursive: true });
});
