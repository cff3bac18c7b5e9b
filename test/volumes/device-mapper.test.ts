/** The test machine's kernel has no device mapper: a directory stands in for its part of sysfs. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { mapperNameOf } from '../../volumes/device-mapper.js';
import { makeTemporary, removeTemporary } from './fixture.js';

let sysfs = '';
before(() => {
  sysfs = makeTemporary();
});
after(() => removeTemporary(sysfs));

test('the kernel names the devices of the device mapper, and no others', async () => {
  fs.mkdirSync(path.join(sysfs, 'dev/block/253:0/dm'), { recursive: true });
  fs.writeFileSync(path.join(sysfs, 'dev/block/253:0/dm/name'), 'vg-data\n');
  fs.mkdirSync(path.join(sysfs, 'dev/block/7:0/loop'), { recursive: true });
  assert.equal(await mapperNameOf(253, 0, sysfs), 'vg-data');
  assert.equal(await mapperNameOf(7, 0, sysfs), undefined);
  assert.equal(await mapperNameOf(8, 0, sysfs), undefined);
});

test('a device of this machine is none of them', async () => {
  const [device = ''] = fs.readdirSync('/sys/dev/block').filter((name) => !fs.existsSync(`/sys/dev/block/${name}/dm`));
  const [major = Number.NaN, minor = Number.NaN] = device.split(':').map(Number);
  assert.equal(await mapperNameOf(major, minor), undefined);
});
