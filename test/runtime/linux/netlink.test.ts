import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { deleteLink, findLink, NO_LINK, setUp } from '../../../runtime/linux/links.js';
import {
  attribute,
  NetlinkSocket,
  nested,
  numberAttribute,
  parseAttributes,
  stringAttribute,
} from '../../../runtime/linux/netlink.js';
import { namespace } from './net-namespace.js';

test('attributes of any length are found again by their type, padding and flags left out', () => {
  const buffer = Buffer.concat([
    stringAttribute(3, 'lo'),
    numberAttribute(4, 0xffff_ffff),
    attribute(0x8005, Buffer.of(1)),
    nested(18, stringAttribute(1, 'veth'), attribute(2, Buffer.alloc(0))),
  ]);
  assert.equal(buffer.length % 4, 0);
  const found = parseAttributes(buffer);
  assert.deepEqual([...found.keys()], [3, 4, 5, 18]);
  assert.deepEqual(found.get(3), Buffer.from('lo\0'));
  assert.equal(found.get(4)?.readUInt32LE(), 0xffff_ffff);
  assert.deepEqual(found.get(5), Buffer.of(1));
  assert.deepEqual(parseAttributes(found.get(18) ?? Buffer.alloc(0)).get(1), Buffer.from('veth\0'));
});

test('attributes that are cut off, or shorter than their own header, end the list', () => {
  const whole = stringAttribute(3, 'name');
  assert.equal(parseAttributes(Buffer.concat([whole, Buffer.of(9, 0, 1, 0)])).size, 1);
  assert.equal(parseAttributes(Buffer.concat([Buffer.of(3, 0, 1, 0), whole])).size, 0);
  assert.equal(parseAttributes(Buffer.of(4, 0, 1)).size, 0);
});

test('a socket stays in the namespace it was made in, and this thread in its own', async () => {
  const home = fs.readlinkSync('/proc/thread-self/ns/net');
  const there = namespace();
  try {
    assert.equal(fs.readlinkSync('/proc/thread-self/ns/net'), home);
    assert.equal((await findLink(there.socket, 'lo'))?.index, 1);
    await there.socket.request([setUp(1)]);
    assert.match(there.run('ip', 'link', 'show', 'lo'), /<LOOPBACK,UP,LOWER_UP>/);
  } finally {
    there.close();
  }
});

test('each message has its answer, the kernel goes on after a refused one, and the first refusal is told', async () => {
  const { socket, close } = namespace();
  try {
    const answers = await socket.ask([deleteLink('absent'), setUp(1), deleteLink('absent2')]);
    assert.deepEqual(
      answers.map(({ errno }) => errno),
      [19, 0, 19],
    );
    await assert.rejects(socket.request([setUp(1), deleteLink('absent')]), {
      code: 'ENODEV',
      message: 'rtnetlink delete interface absent: ENODEV',
    });
    await socket.request([deleteLink('absent')], NO_LINK);
    assert.deepEqual(await socket.ask([]), []);
  } finally {
    close();
  }
});

test('what is no namespace is refused, this thread is in its own, and nothing stays open', () => {
  const home = fs.readlinkSync('/proc/thread-self/ns/net');
  const before = fs.readdirSync('/proc/self/fd').length;
  assert.throws(() => new NetlinkSocket('/dev/null'), { code: 'EINVAL' });
  assert.throws(() => new NetlinkSocket('/does/not/exist'), { code: 'ENOENT' });
  assert.equal(fs.readlinkSync('/proc/thread-self/ns/net'), home);
  assert.equal(fs.readdirSync('/proc/self/fd').length, before);
});
