import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { parseMountInfo } from '../../../runtime/linux/mountinfo.js';

test('all fields of a line, with any number of tags', () => {
  const line = '36 35 98:0 /mnt1 /mnt2 rw,noatime shared:7 master:1 - ext3 /dev/root rw,errors=continue';
  assert.deepEqual(parseMountInfo(`${line}\n`), [
    {
      id: 36,
      parentId: 35,
      device: '98:0',
      root: '/mnt1',
      mountPoint: '/mnt2',
      options: ['rw', 'noatime'],
      tags: ['shared:7', 'master:1'],
      fsType: 'ext3',
      source: '/dev/root',
      superOptions: ['rw', 'errors=continue'],
    },
  ]);
  assert.deepEqual(parseMountInfo('1 2 0:1 / / rw - tmpfs none rw')[0]?.tags, []);
});

test('escaped blanks, newlines and backslashes are what they stand for, each once', () => {
  const [entry] = parseMountInfo('1 2 0:1 /a\\040b /c\\011d\\012e\\134040 rw - tmpfs my\\040source rw');
  assert.equal(entry?.root, '/a b');
  assert.equal(entry?.mountPoint, '/c\td\ne\\040');
  assert.equal(entry?.source, 'my source');
});

test('a path that holds the separator does not end the fields before it', () => {
  const [entry] = parseMountInfo('1 2 0:1 / /a\\040-\\040b rw - tmpfs none rw');
  assert.equal(entry?.mountPoint, '/a - b');
});

test('what is no line is left out, and every line of this process is one', () => {
  assert.deepEqual(parseMountInfo(''), []);
  assert.deepEqual(parseMountInfo('half a line\n1 2 - tmpfs\n'), []);
  const text = fs.readFileSync('/proc/self/mountinfo', 'utf8');
  const entries = parseMountInfo(text);
  assert.equal(entries.length, text.trimEnd().split('\n').length);
  assert.ok(entries.some(({ mountPoint, fsType }) => mountPoint === '/proc' && fsType === 'proc'));
});
