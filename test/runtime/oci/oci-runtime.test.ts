import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import type { CribError } from '../../../runtime/errors.js';
import { discoverRuntimes } from '../../../runtime/oci/discover.js';
import { CONSOLE_SOCKET, OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { runRuntime } from '../../../runtime/oci/run.js';
import { lastRuntimeError } from '../../../runtime/oci/runtime-log.js';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe('argument vectors', () => {
  const features = {
    recursiveReadOnly: true,
    userNamespaces: false,
    userNamespaceSubmounts: false,
    userNamespaceObstacle: '',
  };
  const runtime = new OciRuntime({ name: 'x', path: '/x', version: '1', works: true, reason: '', features });
  const target = { id: 'c1', root: '/r', log: '/l' };
  const globals = ['/x', '--root', '/r', '--log', '/l', '--log-format', 'json'];

  it('leaves the keeper its placeholders', () => {
    const argv = runtime.createArgv({ ...target, bundle: '/b', consoleSocket: CONSOLE_SOCKET });
    const options = ['--bundle', '/b', '--pid-file', '{pidFile}', '--console-socket', '{consoleSocket}'];
    assert.deepEqual(argv, [...globals, 'create', ...options, 'c1']);
  });

  it('builds the other commands', () => {
    assert.deepEqual(runtime.startArgv(target), [...globals, 'start', 'c1']);
    assert.deepEqual(runtime.deleteArgv(target), [...globals, 'delete', '--force', 'c1']);
    assert.deepEqual(runtime.killArgv(target, 'TERM'), [...globals, 'kill', 'c1', 'TERM']);
    assert.deepEqual(runtime.updateArgv(target, '/f'), [...globals, 'update', '--resources', '/f', 'c1']);
    const exec = runtime.execArgv({ ...target, processFile: '/p', pidFile: '/pid' });
    assert.deepEqual(exec, [...globals, 'exec', '--process', '/p', '--pid-file', '/pid', 'c1']);
  });

  it('refuses an id that would be an option', () => {
    assert.throws(() => runtime.startArgv({ ...target, id: '--help' }), { code: 'INVALID_ARGUMENT' });
  });
});

describe('the runtime log', () => {
  it('has its last error found among other lines', () => {
    const lines = [
      '{"level":"error","msg":"old"}',
      '{"level":"error","msg":"new"}',
      '{"level":"info","msg":"x"}',
      'junk{',
    ];
    assert.equal(lastRuntimeError(lines.join('\n')), 'new');
    assert.equal(lastRuntimeError('{"level":"error"'), undefined);
  });
});

describe('running commands', () => {
  it('kills what takes too long', async () => {
    await assert.rejects(runRuntime(['/bin/sh', '-c', 'sleep 1000'], 100), { code: 'DEADLINE_EXCEEDED' });
  });

  it('does not wait for a grandchild that holds the pipes', async () => {
    const pid = await runRuntime(['/bin/sh', '-c', 'sleep 1000 & echo $!'], 60_000);
    assert.ok(process.kill(Number(pid), 'SIGKILL'), 'it still runs');
  });

  it('knows what a container that is not there looks like with crun and with runc', async () => {
    for (const reason of [
      'error opening file `/run/crun/x/status`: No such file or directory',
      'container does not exist',
    ]) {
      await assert.rejects(runRuntime(['/bin/sh', '-c', `echo '${reason}' >&2; exit 1`], 5000), { code: 'NOT_FOUND' });
    }
  });

  it('reads no more than it may, gives input, and reports a missing program', async () => {
    assert.equal((await runRuntime(['/bin/sh', '-c', 'head -c 3000000 /dev/zero'], 10_000)).length, 1 << 20);
    assert.equal(await runRuntime(['/bin/cat'], 10_000, 'hello'), 'hello');
    await assert.rejects(runRuntime(['/nonexistent/runtime'], 1000), { code: 'UNAVAILABLE' });
  });
});

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-oci-found-'));
const FOUND = await discoverRuntimes({ stateDir: scratch, log: quiet });
fs.rmSync(scratch, { recursive: true });

for (const runtime of FOUND) {
  const skip = runtime.works ? false : runtime.reason;
  describe(`a real container of ${runtime.name}`, { skip }, () => aRealContainer(runtime));
}

function aRealContainer(runtime: OciRuntime): void {
  let directory = '';
  const id = `crib-oci-test-${process.pid}`;
  const cgroup = `/crib-oci-test-${process.pid}/c`;
  const target = () => ({ id, root: path.join(directory, 'root'), log: path.join(directory, 'log') });

  function writeSpec(args: string[]): void {
    const namespaces = ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type }));
    const bind = (name: string) => ({ destination: name, type: 'bind', source: name, options: ['rbind', 'ro'] });
    const spec = {
      ociVersion: '1.0.2',
      process: { user: { uid: 0, gid: 0 }, args, env: ['PATH=/usr/bin:/bin'], cwd: '/' },
      root: { path: 'rootfs' },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
        ...['/usr', '/lib', '/lib64', '/bin'].map(bind),
      ],
      linux: { cgroupsPath: cgroup, namespaces },
    };
    fs.writeFileSync(path.join(directory, 'config.json'), JSON.stringify(spec));
  }

  before(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-oci-'));
    fs.mkdirSync(path.join(directory, 'rootfs'));
  });

  after(async () => {
    await runtime.delete(target());
    const cgroups = await createCgroups();
    await cgroups.kill(path.dirname(cgroup));
    await cgroups.remove(path.dirname(cgroup));
    fs.rmSync(directory, { recursive: true, force: true });
  });

  it("keeps the runtime's own reason", async () => {
    writeSpec(['no-such-program']);
    const argv = runtime.createArgv({ ...target(), bundle: directory, pidFile: `${directory}/pid` });
    await assert.rejects(runtime.run(argv, 10_000), (error: CribError) => {
      assert.match(error.message, /executable file .*not found in \$PATH/);
      return true;
    });
  });

  it('is created, started, entered, limited and deleted', async () => {
    writeSpec(['sleep', '60']);
    const argv = runtime.createArgv({ ...target(), bundle: directory, pidFile: `${directory}/pid` });
    const [command = '', ...args] = argv;
    const [code] = await once(spawn(command, args, { stdio: 'ignore' }), 'exit');
    assert.equal(code, 0);
    await runtime.run(runtime.startArgv(target()), 10_000);
    const process = { user: { uid: 0, gid: 0 }, args: ['echo', 'inside'], env: ['PATH=/usr/bin'], cwd: '/' };
    fs.writeFileSync(path.join(directory, 'process.json'), JSON.stringify(process));
    const exec = runtime.execArgv({ ...target(), processFile: path.join(directory, 'process.json') });
    assert.equal(await runtime.run(exec, 10_000), 'inside\n');
    await runtime.update(target(), { memory: { limit: 64 << 20, swap: 64 << 20 }, cpu: { shares: 300 } });
    const cgroups = await createCgroups();
    assert.equal((await cgroups.stats(cgroup))?.memoryLimit, 64 << 20);
    await runtime.delete(target());
    await runtime.delete(target());
    await assert.rejects(runtime.run(runtime.stateArgv(target()), 10_000), { code: 'NOT_FOUND' });
  });
}
