import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { adoptAll } from '../../../runtime/keeper/adopt.js';
import { Children } from '../../../runtime/keeper/children.js';
import { Holders } from '../../../runtime/keeper/holders.js';
import type { KeptContainer } from '../../../runtime/keeper/protocol.js';
import { type Intent, Intents, PID_FILE, RECORD_FILE, saveRecord } from '../../../runtime/keeper/record.js';
import { becomeSubreaper, startTimeOf } from '../../../runtime/linux/processes.js';
import { makeCgroup } from '../../support/cgroup.js';
import { QUIET_LOG } from './harness.js';

before(becomeSubreaper);
const children = new Children(undefined);

interface Node {
  readonly intents: Intents;
  readonly exits: KeptContainer[];
  intent(id: string, change?: Partial<Intent>): Promise<Intent>;
  adopt(): ReturnType<typeof adoptAll>;
}

async function withNode(check: (node: Node) => Promise<void>): Promise<void> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-adopt-'));
  const intents = new Intents(root);
  await intents.load();
  const exits: KeptContainer[] = [];
  const stdio = { tty: false, stdin: false, stdinOnce: false, uid: 0, gid: 0, logPath: '', maxLineBytes: 1 };
  try {
    await check({
      intents,
      exits,
      intent: async (id, change = {}) => {
        const made = { id, directory: path.join(root, id), stdio, cgroupDirs: [], ...change };
        fs.mkdirSync(made.directory);
        await intents.save(made);
        return made;
      },
      adopt: () =>
        adoptAll(children, {
          intents,
          holders: new Holders(),
          log: QUIET_LOG,
          onExit: (container) => exits.push(container),
        }),
    });
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}

const recordOf = ({ id, directory }: Intent, pid: number, startTime: string): KeptContainer => ({
  id,
  directory,
  pid,
  startTime,
  startedAt: '1',
  logPath: '',
  exit: undefined,
});

async function until(holds: () => boolean): Promise<void> {
  for (let left = 3000; !holds(); left--) {
    assert.ok(left > 0, 'it comes true');
    await sleep(1);
  }
}

test('an init that runs is watched; one whose pid is somebody else’s by now has ended, nobody knows how', (t) =>
  withNode(async ({ intent, adopt, exits }) => {
    const { mock } = t.mock.method(children, 'watch');
    const init = spawn('sleep', ['60']);
    await once(init, 'spawn');
    const pid = init.pid ?? 0;
    await saveRecord(recordOf(await intent('runs'), pid, startTimeOf(pid) ?? ''));
    await saveRecord(recordOf(await intent('reused'), pid, '1'));
    assert.equal((await adopt()).length, 2);
    assert.equal(mock.callCount(), 0, 'this process will not reap it, and must not take another of its pid for it');
    await until(() => exits.length === 1);
    assert.deepEqual([exits[0]?.id, exits[0]?.exit?.exitCode], ['reused', undefined]);
    assert.ok(init.exitCode === null && init.signalCode === null, 'and is not touched');
    init.kill('SIGTERM');
    await until(() => exits.length === 2);
    assert.equal(exits[1]?.id, 'runs');
    assert.ok([undefined, 143].includes(exits[1]?.exit?.exitCode), 'as far as this kernel tells');
  }));

test('after a reboot the pid of a record is nobody’s, whatever has it now and started when it did', () =>
  withNode(async ({ intent, intents, adopt, exits }) => {
    const stranger = spawn('sleep', ['60']);
    await once(stranger, 'spawn');
    const pid = stranger.pid ?? 0;
    const startTime = startTimeOf(pid) ?? '';
    const runs = await intent('runs');
    await saveRecord(recordOf(runs, pid, startTime));
    inEarlierBoot(path.join(runs.directory, RECORD_FILE));
    const half = await intent('half', { creator: { pid, startTime } });
    inEarlierBoot(path.join(path.dirname(half.directory), 'keeper', 'half.json'));
    assert.equal((await adopt()).length, 1);
    await until(() => exits.length === 1);
    assert.deepEqual([exits[0]?.id, exits[0]?.exit?.exitCode], ['runs', undefined]);
    assert.deepEqual(
      (await intents.load()).intents.map(({ id }) => id),
      ['runs'],
    );
    assert.ok(stranger.exitCode === null && stranger.signalCode === null, 'it is left alone');
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  }));

function inEarlierBoot(file: string): void {
  const value: Record<string, unknown> = JSON.parse(fs.readFileSync(file, 'utf8'));
  fs.writeFileSync(file, JSON.stringify({ ...value, bootId: 'another' }));
}

test('one whose exit is recorded is taken as it is', () =>
  withNode(async ({ intent, adopt, exits }) => {
    const exit = { exitCode: 3, signal: 0, finishedAt: '9' };
    await saveRecord({ ...recordOf(await intent('ended'), 5, '1'), exit });
    const [container] = await adopt();
    assert.deepEqual(container?.record.exit, exit);
    assert.deepEqual(exits, []);
    await container?.forget();
    assert.deepEqual(await adopt(), []);
  }));

test('a create that was cut off is undone: its command and the init that it left are killed, its files go', () =>
  withNode(async ({ intent, intents, adopt }) => {
    const [creator, init] = [spawn('sleep', ['60']), spawn('sleep', ['60'])];
    await Promise.all([once(creator, 'spawn'), once(init, 'spawn')]);
    const ends = [once(creator, 'exit'), once(init, 'exit')];
    const startTime = startTimeOf(creator.pid ?? 0) ?? '';
    const cgroup = makeCgroup('crib-adopt');
    fs.writeFileSync(path.join(cgroup, 'cgroup.procs'), String(init.pid));
    const { directory } = await intent('half', {
      creator: { pid: creator.pid ?? 0, startTime },
      cgroupDirs: [cgroup],
    });
    assert.deepEqual(await adopt(), []);
    fs.rmdirSync(cgroup);
    assert.deepEqual(
      (await Promise.all(ends)).map(([, signal]) => signal),
      ['SIGKILL', 'SIGKILL'],
    );
    assert.ok(!fs.existsSync(directory));
    assert.deepEqual((await intents.load()).intents, []);
  }));

test('a create that takes long to undo does not hold up the others', () =>
  withNode(async ({ intents, intent, adopt }) => {
    const lists: string[] = [];
    for (const id of ['one', 'two']) {
      const made = await intent(id);
      await intents.save({ ...made, cgroupDirs: [made.directory] });
      lists.push(path.join(made.directory, 'cgroup.procs'));
    }
    // Whoever reads the processes of a cgroup waits for a writer, and only then is there one to write to.
    execFileSync('mkfifo', lists);
    const adopting = adopt();
    const writers: number[] = [];
    for (const list of lists) await until(() => opened(list, writers));
    for (const writer of writers) fs.closeSync(writer);
    assert.deepEqual(await adopting, []);
  }));

function opened(fifo: string, into: number[]): boolean {
  try {
    into.push(fs.openSync(fifo, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK));
    return true;
  } catch {
    return false; // ENXIO: nobody reads it
  }
}

test('what has the pid of the pid file by now is left alone, whatever the clock says of the two', () =>
  withNode(async ({ intent, adopt }) => {
    const stranger = spawn('sleep', ['60']);
    await once(stranger, 'spawn');
    for (const [id, age] of [
      ['before', 3600],
      ['after', -3600],
    ] as const) {
      const { directory } = await intent(id);
      const file = path.join(directory, PID_FILE);
      fs.writeFileSync(file, String(stranger.pid));
      fs.utimesSync(file, Date.now() / 1000 - age, Date.now() / 1000 - age);
    }
    await adopt();
    assert.equal(stranger.signalCode, null);
    assert.ok(startTimeOf(stranger.pid ?? 0) !== undefined);
    stranger.kill('SIGKILL');
    await once(stranger, 'exit');
  }));
