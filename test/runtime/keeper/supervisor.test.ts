import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { encodeFrame, FrameReader } from '../../../runtime/keeper/frames.js';
import { KEEPER_PROTOCOL_VERSION, type KeptContainer } from '../../../runtime/keeper/protocol.js';
import { buildOf, Supervisor, type SupervisorOptions } from '../../../runtime/keeper/supervisor.js';
import { recordingLog } from '../../support/log.js';
import { until } from '../../support/until.js';
import { KEEPER_PATH } from './harness.js';
import { Unit } from './unit.js';

const LIMIT = { timeout: 120_000 };
let root = '';
let state = '';
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-supervisor-'));
  state = path.join(root, 'state');
});
afterEach(() => fs.rmSync(root, { recursive: true }));

function supervisor(change: Partial<SupervisorOptions> = {}) {
  const { log, lines } = recordingLog();
  const seen = { connecting: 0, lost: 0, exits: [] as KeptContainer[] };
  const made = new Supervisor(
    { state, keeperPath: KEEPER_PATH, log, ...change },
    {
      onConnecting: () => seen.connecting++,
      onLost: () => seen.lost++,
      onExit: (container) => seen.exits.push(container),
    },
  );
  return { supervisor: made, seen, lines };
}

const cmdline = (pid: number) => fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
const isAlive = (pid: number) => fs.existsSync(`/proc/${pid}`) && cmdline(pid).length > 1;

async function end(one: Supervisor): Promise<void> {
  const link = await one.link();
  await link.call('shutdown', {}, { timeoutMs: 30_000 });
  one.close();
}

/** The same keeper in another file, whose bytes differ. */
function otherFile(name: string): string {
  const file = path.join(root, name);
  fs.writeFileSync(file, `import ${JSON.stringify(pathToFileURL(KEEPER_PATH).href)}; // ${name}\n`);
  return file;
}

test(
  'whoever asks at once gets one connection; closing it leaves the keeper, which is found again',
  LIMIT,
  async () => {
    const { supervisor: one, seen } = supervisor();
    assert.equal(one.current, undefined);
    const links = await Promise.all([one.link(), one.link(), one.link()]);
    assert.equal(new Set(links).size, 1);
    const [{ pid } = assert.fail()] = links;
    one.close();
    assert.equal(one.current, undefined);
    assert.ok(isAlive(pid));
    const again = await one.link();
    assert.equal(again.pid, pid);
    assert.notEqual(again, links[0]);
    assert.equal(seen.lost, 0, 'a connection that was closed here is not lost');
    await end(one);
  },
);

test('each death is told once and followed by another keeper, also when they die young', LIMIT, async () => {
  const { supervisor: one, seen } = supervisor();
  const pids = new Set<number>();
  for (let death = 1; death <= 5; death++) {
    const { pid } = await one.link();
    pids.add(pid);
    process.kill(pid, 'SIGKILL');
    await until(() => seen.lost === death, 'the death is told');
    assert.equal(one.current, undefined);
  }
  const { pid } = await one.link();
  assert.equal(pids.add(pid).size, 6);
  assert.equal(seen.lost, 5);
  await end(one);
});

test(
  'a keeper of another build becomes this one’s in place; one that cannot stays, and that is said',
  LIMIT,
  async () => {
    const older = supervisor({ keeperPath: otherFile('older.mjs') });
    const { pid } = await older.supervisor.link();
    const { supervisor: one, lines } = supervisor();
    await one.link();
    await until(() => lines.length > 0, 'it is said');
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [['info', 'the keeper is upgraded']],
    );
    assert.ok(cmdline(pid).includes(KEEPER_PATH));
    assert.equal((await one.link()).pid, pid);
    older.supervisor.close();
    const broken = path.join(root, 'broken.mjs');
    fs.writeFileSync(broken, 'process.exitCode = 9;');
    const { supervisor: two, lines: warned } = supervisor({ keeperPath: broken });
    assert.equal((await two.link()).pid, pid, 'the one that runs does');
    await until(() => warned.length > 0, 'it is said');
    assert.deepEqual(
      warned.map(({ level, message }) => [level, message]),
      [['warn', 'the keeper is of another build and could not be upgraded']],
    );
    two.close();
    await end(one);
  },
);

test('the keeper of a service manager is started again by that, or by crib when it does not come', LIMIT, async () => {
  const unit = new Unit(state);
  await unit.start();
  const { supervisor: one, seen } = supervisor();
  const { pid } = await one.link();
  assert.equal(pid, unit.pid);
  await unit.kill();
  await until(() => seen.lost === 1, 'the death is told');
  const next = one.link();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.equal(Number(fs.readFileSync(path.join(state, 'keeper.lock'), 'utf8')), pid, 'crib has started none');
  await unit.start();
  assert.equal((await next).pid, unit.pid);
  one.close();
  const { supervisor: two } = supervisor({ serviceGraceMs: 100 });
  await two.link();
  await unit.kill();
  const own = await two.link();
  assert.ok(cmdline(own.pid).includes(KEEPER_PATH));
  assert.notEqual(own.pid, unit.pid);
  await end(two);
  unit.close();
});

test('a keeper that does not start is UNAVAILABLE, with the place to look at', LIMIT, async () => {
  const broken = path.join(root, 'broken.mjs');
  fs.writeFileSync(broken, 'console.log("started"); process.exitCode = 9;');
  const { supervisor: one, seen } = supervisor({ keeperPath: broken, startTimeoutMs: 300 });
  const expected = { code: 'UNAVAILABLE', message: new RegExp(`started ${broken}, see ${state}/keeper.log`) };
  await assert.rejects(one.link(), expected);
  await until(() => fs.readFileSync(path.join(state, 'keeper.log'), 'utf8').startsWith('started'), 'it was started');
  assert.equal(seen.lost, 0);
  await assert.rejects(one.link(), expected, 'it is tried anew each time');
  one.close();
});

/** A keeper of another protocol version until it was upgraded: there is none yet. */
async function otherVersion(check: (asked: unknown[]) => Promise<void>): Promise<void> {
  fs.mkdirSync(state);
  const asked: unknown[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    const frames = new FrameReader();
    const send = (message: unknown) => socket.write(encodeFrame(message));
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      for (const { hello, upgrade, id } of frames.push(data)) {
        if (upgrade !== undefined) {
          asked.push(upgrade);
          send({ upgraded: true });
        } else if (hello === undefined) send({ id, result: {} });
        else if (asked.length === 0) send({ error: { code: 'FAILED_PRECONDITION', message: 'protocol version' } });
        else send({ hello: KEEPER_PROTOCOL_VERSION, pid: process.pid, build: 'newer' });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path.join(state, 'keeper.sock'), resolve));
  try {
    await check(asked);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

test('a keeper that speaks another version is upgraded before anything else is asked of it', LIMIT, () =>
  otherVersion(async (asked) => {
    const { supervisor: one } = supervisor();
    const link = await one.link();
    assert.equal(link.build, 'newer');
    const [{ main } = { main: '' }] = asked as { main: string }[];
    assert.equal(main, KEEPER_PATH);
    one.close();
  }),
);

test('two files of the same bytes are one build', async () => {
  const [one, two, other] = ['one', 'two', 'other'].map((name) => path.join(root, name));
  fs.writeFileSync(one ?? '', 'same');
  fs.writeFileSync(two ?? '', 'same');
  fs.writeFileSync(other ?? '', 'same\n');
  assert.equal(await buildOf(one ?? ''), await buildOf(two ?? ''));
  assert.notEqual(await buildOf(one ?? ''), await buildOf(other ?? ''));
  await assert.rejects(buildOf(path.join(root, 'none')), { code: 'ENOENT' });
});
