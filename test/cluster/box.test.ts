import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../support/until.js';

/** The script itself is not compiled: it stands in the sources. */
const BOX = fileURLToPath(new URL('../../../test/cluster/box.sh', import.meta.url));
const skip = fs.existsSync('/usr/bin/catatonit') ? false : 'no catatonit';

/** Where cgroups are made. */
function roots(): string[] {
  const lines = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [...new Set(lines.filter((line) => / - cgroup2? /.test(line)).map((line) => line.split(' ')[4] ?? ''))];
}

function boxesOf(pid: number | undefined): string[] {
  return roots().flatMap((root) => {
    const names = fs.readdirSync(root).filter((name) => name.startsWith(`crib-box-${pid}-`));
    return names.map((name) => path.join(root, name));
  });
}

function start(script: string): { box: ChildProcess; said: () => string } {
  const box = spawn('sh', [BOX, 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  box.stdout?.on('data', (data: Buffer) => {
    text += data.toString();
  });
  return { box, said: () => text };
}

test('what runs in the box is alone there, tells its exit code, and leaves nothing', { skip }, async () => {
  const { box, said } = start('hostname; cat /proc/self/cgroup | grep -c crib-box; exit 7');
  const [code] = (await once(box, 'close')) as [number];
  assert.deepEqual([code, said()], [7, 'node\n0\n']);
  assert.deepEqual(boxesOf(box.pid), []);
});

test('a box that was killed goes with all that is in it, and so does what an older one has left', {
  skip,
}, async () => {
  const [first = ''] = roots();
  // More than a pid can be.
  const older = path.join(first, 'crib-box-99999999-older');
  fs.mkdirSync(path.join(older, 'below'), { recursive: true });
  const { box, said } = start('setsid sleep 1001 & echo up; sleep 1002');
  await until(() => said() === 'up\n', 'it runs');
  assert.equal(fs.existsSync(older), false);
  assert.ok(boxesOf(box.pid).length > 0);
  const inside = boxesOf(box.pid).flatMap((dir) => fs.readFileSync(path.join(dir, 'cgroup.procs'), 'utf8').split('\n'));
  box.kill('SIGKILL');
  await once(box, 'exit');
  await until(() => boxesOf(box.pid).length === 0, 'its cgroups are gone');
  for (const pid of new Set(inside.filter((line) => line !== ''))) {
    await until(() => !fs.existsSync(`/proc/${pid}`), `process ${pid} is gone`);
  }
});
