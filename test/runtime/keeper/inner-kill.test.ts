import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Children } from '../../../runtime/keeper/children.js';
import { descendantsOf, killInner, processesIn } from '../../../runtime/keeper/inner-kill.js';

/** One for the process: it reaps what is not its own. */
const children = new Children(1024n);

test('the command gets the pid that the file holds; without one nothing is run', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-inner-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const pidFile = path.join(directory, 'pid');
  const told = path.join(directory, 'told');
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
  const kill = { argv: ['sh', '-c', 'echo "$1" >>"$2"', 'sh', 'pid {pid}', told], pidFile, env };
  await killInner(kill, children);
  for (const text of ['', '0', '-1', 'x', '7 8']) {
    fs.writeFileSync(pidFile, text);
    await killInner(kill, children);
  }
  assert.equal(fs.existsSync(told), false);
  fs.writeFileSync(pidFile, '7\n');
  await killInner(kill, children);
  assert.equal(fs.readFileSync(told, 'utf8'), 'pid 7\n');
});

test('its descendants are stopped from the top, those that came meanwhile too, and then all are killed', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-inner-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const at = (name: string) => path.join(directory, name);
  fs.writeFileSync(at('pid'), '7');
  // Each list shows one more generation than the one before.
  for (const [index, lines] of [
    ['0 7 0 x', '0 8 7 x', '0 20 1 x'],
    ['0 7 0 x', '0 8 7 x', '0 9 8 x'],
    ['0 7 0 x', '0 8 7 x', '0 9 8 x'],
  ].entries()) {
    fs.writeFileSync(at(`list${index}`), `UID PID PPID CMD\n${lines.join('\n')}\n`);
  }
  const list = 'n=$(cat "$1/n" 2>/dev/null || echo 0); cat "$1/list$n"; echo $((n+1)) >"$1/n"';
  const note = (what: string) => ['sh', '-c', 'echo "$2 $1" >>"$3/told"', 'sh', '{pid}', what, directory];
  const tree = { listArgv: ['sh', '-c', list, 'sh', directory], stopArgv: note('stop') };
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
  await killInner({ argv: note('kill'), pidFile: at('pid'), tree, env }, children);
  const told = fs.readFileSync(at('told'), 'utf8').trim().split('\n');
  const [first, second, third] = [told.slice(0, 2), told.slice(2, 3), told.slice(3)].map((part) => part.sort());
  assert.deepEqual([first, second, third], [['stop 7', 'stop 8'], ['stop 9'], ['kill 7', 'kill 8', 'kill 9']]);
});

test('a list that is none names nobody; a tree ends also where the list goes round', () => {
  assert.deepEqual(processesIn('UID       PID       PPID\n0         2         1         0   ?\n'), [
    { pid: 2, parent: 1 },
  ]);
  for (const text of ['', 'error 7 8', '[1,2,3]']) assert.deepEqual(processesIn(text), []);
  const round = [
    { pid: 3, parent: 2 },
    { pid: 2, parent: 1 },
    { pid: 1, parent: 3 },
    { pid: 9, parent: 8 },
  ];
  assert.deepEqual(descendantsOf([1], round).sort(), [2, 3]);
});
