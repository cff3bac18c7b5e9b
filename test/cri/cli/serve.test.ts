import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from '../../../cri/client.js';
import { KeeperClient } from '../../../runtime/keeper/client.js';
import { MS } from '../../../runtime/linux/constants.js';
import { mount, unmount } from '../../../runtime/linux/mounts.js';
import { recordingLog } from '../../support/log.js';

const MAIN = path.resolve(import.meta.dirname, '../../../bundle/cribd.js');
let directory: string;

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-serve-'));
});

after(() => fs.rm(directory, { recursive: true, force: true }));

/** `crib serve` in directories of its own below `place`, with flags instead of or beside the usual ones. */
function serve(place: string, flags: Readonly<Record<string, string>> = {}): ChildProcess {
  const usual = { root: `${place}/root`, state: `${place}/state`, listen: `unix://${place}/crib.sock` };
  const words = Object.entries({ ...usual, ...flags }).flatMap(([name, value]) => [`--${name}`, value]);
  return spawn(process.execPath, [MAIN, 'serve', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What it printed and how it ended. One that serves instead of ending is killed after the time limit. */
async function ended(child: ChildProcess): Promise<{ status: number | null; stderr: string }> {
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  return { status, stderr };
}

for (const [what, flags, options, message] of [
  ['root', MS.RDONLY, '', /^crib: making .*\/disk\/root: a read-only file system; make it writable/],
  ['state', MS.RDONLY, '', /^crib: making .*\/disk\/state: a read-only file system; make it writable/],
  ['root', 0, 'nr_inodes=1', /^crib: making .*\/disk\/root: no space left on its file system/],
] as const) {
  test(`a ${what} directory on a ${flags === 0 ? 'full' : 'read-only'} disk ends the start: one line, exit code 1`, async () => {
    const disk = path.join(directory, 'disk');
    await fs.mkdir(disk, { recursive: true });
    mount('tmpfs', disk, 'tmpfs', flags, options);
    try {
      const { status, stderr } = await ended(serve(directory, { [what]: path.join(disk, what) }));
      const lines = stderr.split('\n').filter((line) => line.startsWith('crib: '));
      assert.equal(status, 1, stderr);
      assert.equal(lines.length, 1, stderr);
      assert.match(lines[0] ?? '', message);
    } finally {
      unmount(disk);
    }
  });
}

test('what is in the way of its addresses ends the start too: one line, exit code 1', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as net.AddressInfo;
  const flags = { 'streaming-address': `127.0.0.1:${port}` };
  const { status, stderr } = await ended(serve(directory, flags));
  taken.close();
  await endKeeper();
  const lines = stderr.split('\n').filter((line) => line.startsWith('crib: '));
  assert.equal(status, 1, stderr);
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0] ?? '', new RegExp(`127\\.0\\.0\\.1:${port}: the port is taken`));
});

test('serves until SIGTERM, then takes its socket away and ends with 0; another one beside it is told so', async () => {
  const first = serve(directory);
  const done = ended(first);
  const cri = connect(path.join(directory, 'crib.sock'));
  try {
    await untilServing(cri);
    const second = await ended(serve(directory, { listen: `unix://${directory}/other.sock` }));
    assert.equal(second.status, 1);
    assert.match(second.stderr, new RegExp(`is in use by another crib serve, process ${first.pid}`));
    first.kill('SIGTERM');
    assert.equal((await done).status, 0);
    await assert.rejects(fs.stat(path.join(directory, 'crib.sock')), { code: 'ENOENT' });
  } finally {
    cri.close();
    first.kill('SIGKILL');
    await endKeeper();
  }
});

async function untilServing(cri: ReturnType<typeof connect>): Promise<void> {
  for (let wait = 0; ; wait += 1) {
    try {
      await cri.runtime.version({}, { timeoutMs: 1000 });
      return;
    } catch (error) {
      if (wait > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** It outlives the daemon, by design. */
async function endKeeper(): Promise<void> {
  const keeper = new KeeperClient({
    state: path.join(directory, 'state'),
    keeperPath: path.resolve(import.meta.dirname, '../../../bundle/keeper.js'),
    log: recordingLog().log,
  });
  await keeper.connect();
  await keeper.shutdown().catch(() => undefined);
  keeper.disconnect();
}
