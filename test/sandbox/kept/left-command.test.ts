import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import { startTimeOf } from '../../../runtime/linux/processes.js';
import { ExecFiles, type ExecPlace } from '../../../sandbox/kept/exec-files.js';
import { endLeftCommand, endLeftCommands, noteStarted } from '../../../sandbox/kept/left-command.js';
import { until } from '../../support/until.js';

const DIED = new CribError('UNAVAILABLE', 'the connection to the keeper ended');
/** The command 17 with a child, one that the container has started itself, and the container's init. */
const PROCESSES = 'UID PID PPID CMD\n0 1 0 init\n0 17 0 sh\n0 18 17 sleep\n0 19 1 sleep\n';

/** A place whose kernel has `processes`; what is run there is noted, and fails but for the list. */
function placeOf(t: TestContext, processes: string) {
  const bundle = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-left-'));
  t.after(() => fs.rmSync(bundle, { recursive: true }));
  const ran: string[] = [];
  const run = async (argv: readonly string[]) => {
    if (argv[0] === 'list' && processes !== '') return processes;
    ran.push(argv.join(' '));
    throw new Error('no such process');
  };
  const innerKill = { argv: ['kill', '{pid}'], tree: { listArgv: ['list'], stopArgv: ['stop', '{pid}'] } };
  return { place: { bundle, innerKill, runtime: { run } } as unknown as ExecPlace, bundle, ran };
}

test('only a command of a dead keeper is killed in its own kernel, with its descendants', async (t) => {
  const { place, bundle, ran } = placeOf(t, PROCESSES);
  const files = new ExecFiles(bundle);
  await endLeftCommand(DIED, place, files);
  fs.writeFileSync(files.innerPidFile, '17\n');
  await endLeftCommand(new CribError('CANCELLED', 'the client went'), place, files);
  await endLeftCommand(DIED, { ...place, innerKill: undefined } as unknown as ExecPlace, files);
  assert.deepEqual(ran, []);
  await endLeftCommand(DIED, place, files);
  assert.deepEqual(ran.sort(), ['kill 17', 'kill 18', 'stop 17', 'stop 18']);
});

test('a start ends what an earlier cribd ran, not one that has its pid now, and removes the files', async (t) => {
  const { place, bundle, ran } = placeOf(t, PROCESSES);
  fs.writeFileSync(path.join(bundle, 'config.json'), '{}');
  await endLeftCommands(place);
  assert.deepEqual(ran, []);
  for (const pid of ['17', '19', '20', '']) {
    const files = new ExecFiles(bundle);
    fs.writeFileSync(files.innerPidFile, pid);
    fs.writeFileSync(files.processFile, '{}');
  }
  await endLeftCommands(place);
  assert.deepEqual(ran.sort(), ['kill 17', 'kill 18', 'stop 17', 'stop 18']);
  assert.deepEqual(fs.readdirSync(bundle), ['config.json']);
});

test('where the processes cannot be listed nothing is killed, and the next start can try again', async (t) => {
  const { place, bundle } = placeOf(t, '');
  const { innerPidFile } = new ExecFiles(bundle);
  fs.writeFileSync(innerPidFile, '17');
  await assert.rejects(endLeftCommands(place), /no such process/);
  assert.deepEqual(fs.readdirSync(bundle), [path.basename(innerPidFile)]);
});

test('a start ends what a session of an earlier cribd ran on the host, not what has its pid now', async (t) => {
  const { place, bundle, ran } = placeOf(t, '');
  const host = { ...place, innerKill: undefined } as unknown as ExecPlace;
  const shell = () => spawn('sh', ['-c', 'sleep 1000 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [left, other] = [shell(), shell()];
  const [[child], [otherChild]] = await Promise.all([once(left.stdout, 'data'), once(other.stdout, 'data')]);
  const ended = once(left, 'exit');
  noteStarted(new ExecFiles(bundle), { pid: left.pid ?? 0, startTime: startTimeOf(left.pid ?? 0) ?? '' });
  noteStarted(new ExecFiles(bundle), { pid: other.pid ?? 0, startTime: '1' });
  fs.writeFileSync(new ExecFiles(bundle).startedFile, '{"pid":');
  await endLeftCommands(host);
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  await until(() => startTimeOf(Number(child)) === undefined, 'its child ends too');
  assert.equal(other.exitCode ?? other.signalCode, null);
  process.kill(Number(otherChild), 'SIGKILL');
  await once(other, 'exit');
  assert.deepEqual([fs.readdirSync(bundle), ran], [[], []]);
});
