import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
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

test('killed in use, this process leaves a child that ends by itself', async () => {
  const module = new URL('../../../runtime/linux/user-namespaces.js', import.meta.url);
  const script = `import { withUserNamespace } from '${module}';
    import fs from 'node:fs';
    withUserNamespace(${JSON.stringify(MAPS)}, 0, (directory) => {
      fs.writeSync(1, directory.split('/')[2]);
      process.kill(process.pid, 'SIGKILL');
    });`;
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.equal(signal, 'SIGKILL');
  assert.match(stdout, /^\d+$/);
  const running = () => {
    const state = fs.existsSync(`/proc/${stdout}/stat`) ? fs.readFileSync(`/proc/${stdout}/stat`, 'latin1') : '';
    return state !== '' && !/\) [ZX] /.test(state);
  };
  for (let wait = 0; wait < 80 && running(); wait += 1) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(running(), false);
});
