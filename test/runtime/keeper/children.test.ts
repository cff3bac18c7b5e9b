import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Children, childEnd, exitCodeOf, killGroup, killGroupOf } from '../../../runtime/keeper/children.js';
import { RLIMIT_NOFILE } from '../../../runtime/linux/constants.js';
import { becomeSubreaper, type ChildExit, resourceLimit, startTimeOf } from '../../../runtime/linux/processes.js';
import { until } from '../../support/until.js';

before(becomeSubreaper);
/** A signal listener does not keep a process running that waits for nothing but orphans. */
const running = setInterval(() => {}, 60_000);
after(() => clearInterval(running));
const children = new Children(777n);
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };

/** The pid of a process that is left to this one: it begins when its shell is gone, which could have reaped it. */
async function orphan(script: string): Promise<number> {
  const argv = ['sh', '-c', `exec 3<&0; (read -r _ <&3; ${script}) >/dev/null 2>&1 & echo $!`];
  const child = children.spawn(argv, env, ['pipe', 'pipe', 'ignore']);
  const { stdin, stdout } = child;
  const [[line]] = await Promise.all([once(stdout ?? assert.fail(), 'data'), once(child, 'exit')]);
  stdin?.end();
  return Number(String(line));
}

const exitOf = (pid: number): Promise<ChildExit> => new Promise((resolve) => children.watch(pid, resolve));

test('an inherited child is reaped and told once; one that ended before it was asked for as well', async () => {
  const done = children.expectInit();
  const early = await orphan('exit 4');
  for (let left = 1000; !children.hasEnded(early); left--) {
    assert.ok(left > 0);
    await sleep(1);
  }
  assert.ok(!fs.existsSync(`/proc/${early}`), 'no zombie');
  assert.deepEqual(await exitOf(early), { pid: early, exitCode: 4, signal: 0 });
  assert.equal(children.hasEnded(early), false);
  const late = await orphan('exec sleep 60');
  const exit = exitOf(late);
  done();
  process.kill(late, 'SIGTERM');
  assert.deepEqual(await exit, { pid: late, exitCode: 143, signal: 15 });
});

test('without a start in progress an orphan is reaped and forgotten', async () => {
  const pid = await orphan('exit 0');
  for (let left = 1000; fs.existsSync(`/proc/${pid}`); left--) {
    assert.ok(left > 0, 'it does not stay a zombie');
    await sleep(1);
  }
  assert.equal(children.hasEnded(pid), false);
});

test('its own children are left to libuv, and get the limit that the keeper was started with', async () => {
  const child = children.spawn(['sh', '-c', 'ulimit -Sn; exit 3'], env, ['ignore', 'pipe', 'ignore']);
  let text = '';
  child.stdout?.on('data', (data: Buffer) => {
    text += data.toString();
  });
  const [code] = await once(child, 'close');
  assert.deepEqual([code, text.trim()], [3, '777']);
});

test('what cannot be started rejects, what takes too long is killed with its group', async () => {
  await assert.rejects(childEnd(children.spawn(['/does/not/exist'], env, []), 1000), { code: 'ENOENT' });
  const child = children.spawn(['sh', '-c', 'sleep 60 & echo $!; wait'], env, ['ignore', 'pipe', 'ignore']);
  const [line] = (await once(child.stdout ?? assert.fail(), 'data')) as [Buffer];
  assert.deepEqual(await childEnd(child, 1), { exitCode: 137, timedOut: true });
  const inner = Number(line.toString());
  for (let left = 1000; fs.existsSync(`/proc/${inner}`); left--) {
    assert.ok(left > 0, 'what it started is gone too');
    await sleep(1);
  }
  killGroup(child);
  assert.doesNotThrow(() => killGroupOf(inner), 'no such group any more');
});

test('an exit is told as a shell tells it', () => {
  assert.deepEqual([exitCodeOf(0, null), exitCodeOf(255, null), exitCodeOf(null, 'SIGKILL')], [0, 255, 137]);
});

test('also with more open than that limit allows, and from the first moment on', async () => {
  children.saw(100_000);
  const script = 'ulimit -Sn; (ulimit -Sn); ulimit -Hn; echo "$0" "$1"; exit 6';
  const child = children.spawn(['sh', '-c', script, 'a b', '$x'], env, ['ignore', 'pipe', 'ignore']);
  let text = '';
  child.stdout?.on('data', (data: Buffer) => {
    text += data.toString();
  });
  const [code] = await once(child, 'close');
  const { hard } = resourceLimit(RLIMIT_NOFILE);
  assert.deepEqual([code, text.trim().split('\n')], [6, ['777', '777', String(hard), 'a b $x']]);
  assert.equal(resourceLimit(RLIMIT_NOFILE).soft, hard, 'its own is as it was');
});

test('what takes too long goes with what it has started in a session of its own', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-children-'));
  const file = path.join(directory, 'pid');
  const child = children.spawn(['sh', '-c', `setsid sh -c 'echo $$ >${file}; exec sleep 60' & wait`], env, []);
  const told = () => (fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0);
  await until(() => told() > 0, 'it has started another');
  assert.equal((await childEnd(child, 1)).timedOut, true);
  await until(() => startTimeOf(told()) === undefined, 'that has ended too');
  fs.rmSync(directory, { recursive: true });
});
