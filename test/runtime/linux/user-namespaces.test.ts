import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { CLONE } from '../../../runtime/linux/constants.js';
import { openUserNamespace, withUserNamespace } from '../../../runtime/linux/user-namespaces.js';

const MAPS = {
  uids: [{ containerId: 0, hostId: 1000, length: 10 }],
  gids: [{ containerId: 0, hostId: 2000, length: 20 }],
};
const children = () => fs.readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();

test('what is made besides is owned by the namespace, and the child that it was made in ends', () => {
  const before = children();
  const pid = withUserNamespace(MAPS, CLONE.NEWNET, (directory) => {
    assert.match(fs.readFileSync(`${directory}/../uid_map`, 'utf8'), /^\s*0\s+1000\s+10\n$/);
    assert.match(fs.readFileSync(`${directory}/../gid_map`, 'utf8'), /^\s*0\s+2000\s+20\n$/);
    for (const kind of ['user', 'net']) {
      assert.notEqual(fs.readlinkSync(`${directory}/${kind}`), fs.readlinkSync(`/proc/self/ns/${kind}`));
    }
    assert.equal(fs.readlinkSync(`${directory}/uts`), fs.readlinkSync('/proc/self/ns/uts'));
    const status = fs.readFileSync(`${directory}/../status`, 'utf8');
    assert.match(status, /^SigBlk:\s+fffffff[ef]/m, 'no handler of this process runs in it');
    return Number(directory.split('/')[2]);
  });
  assert.equal(children(), before);
  assert.ok(!fs.existsSync(`/proc/${pid}`));
});

test('one that fails in use ends too, and the signals of this thread are as they were', () => {
  const blocked = () => /^SigBlk:.*$/m.exec(fs.readFileSync('/proc/thread-self/status', 'utf8'))?.[0];
  const before = [children(), blocked()];
  assert.throws(() => withUserNamespace(MAPS, 0, () => assert.fail('in use')), /in use/);
  assert.deepEqual([children(), blocked()], before);
});

test('a descriptor keeps the namespace', () => {
  const fd = openUserNamespace(MAPS);
  try {
    assert.match(fs.readlinkSync(`/proc/self/fd/${fd}`), /^user:\[\d+\]$/);
  } finally {
    fs.closeSync(fd);
  }
});

test('a mapping that the kernel refuses leaves no child', () => {
  const before = children();
  const empty = { uids: [{ containerId: 0, hostId: 0, length: 0 }], gids: MAPS.gids };
  assert.throws(() => openUserNamespace(empty), { code: 'FAILED_PRECONDITION', message: /mapping ids "0 0 0"/ });
  assert.equal(children(), before);
});
