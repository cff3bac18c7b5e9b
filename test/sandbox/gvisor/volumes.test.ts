/** Volumes of real gVisor pods: what is inside of the sandbox, what the host has of it, and what is left afterwards. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type { ContainerConfig, MountConfig } from '../../../runtime/containers/config.js';
import { CribError } from '../../../runtime/errors.js';
import { failWith } from '../../../runtime/steps.js';
import type { VolumeView } from '../../../sandbox/volume-views.js';
import { createEmptyDir, type EmptyDirOptions, removePodVolumes } from '../../../volumes/local.js';
import { createConfigVolume } from '../../../volumes/local-config.js';
import { command } from '../../support/command.js';
import { containerConfig, podConfig } from '../../support/configs.js';
import { startTestNode, type TestNode } from '../../support/node.js';
import { runscMissing } from '../../support/runsc.js';
import { until } from '../../support/until.js';
import { mountOf } from '../../volumes/fixture.js';

const skip = await runscMissing();
const NEVER = new AbortController().signal;
const MIB = 1 << 20;
let node: TestNode;
let name = '';
let podId = '';
let serial = 0;

const pods = () => node.node().pods;
const podsRoot = () => path.join(node.root, 'local-pods');
const uid = () => `uid-${name}`;

before(async () => {
  if (skip === false) node = await startTestNode('10.203.79.0/24', 'cribtestgvv0');
});
after(() => node?.stop());
afterEach(async () => {
  if (skip !== false) return;
  if (podId !== '') await pods().removePod(podId);
  podId = '';
  await removePodVolumes(podsRoot(), uid());
});

/** A pod whose volumes are there before it, as a kubelet makes them. */
async function podWith<T>(make: () => Promise<T>): Promise<T> {
  serial += 1;
  name = `volumes${serial}`;
  const made = await make();
  podId = await runPod();
  return made;
}

const logs = () => path.join(node.directory, 'logs');
const runPod = () => pods().runPod({ ...podConfig(name), logDirectory: logs() }, 'gvisor', NEVER);

const emptyDir = (volume: string, options: EmptyDirOptions) => createEmptyDir(podsRoot(), uid(), volume, options);
const configMap = (files: Record<string, string>) => createConfigVolume(podsRoot(), uid(), 'settings', files);

async function start(mounts: readonly MountConfig[], change: Partial<ContainerConfig> = {}): Promise<string> {
  serial += 1;
  const config = { ...containerConfig(`c${serial}`, node.image), command: ['sleep', '100000'], mounts, ...change };
  const id = await pods().createContainer(podId, config, undefined);
  await pods().startContainer(id);
  return id;
}

/** What `script` prints in the container, and its exit code. */
async function run(id: string, script: string): Promise<{ text: string; code: number }> {
  const { stdout, stderr, exitCode } = await pods().execSync(id, ['sh', '-c', script], 30_000, NEVER);
  return { text: `${stdout}${stderr}`.trim(), code: exitCode };
}

async function routes(id: string): Promise<string[]> {
  const asked = pods()
    .containerStatus(id)
    .volumes.filter(({ kind }) => kind !== 'tmp');
  return asked.map(({ containerPath, route }) => `${containerPath} ${route}`);
}

test('two containers write to one Memory emptyDir and see it; owner, mode and size are the original’s', {
  skip,
}, async () => {
  const options = { medium: 'Memory', sizeLimitBytes: 8 * MIB, fsGroup: 2000 } as const;
  const volume = await podWith(() => emptyDir('scratch', options));
  const one = await start([mountOf(volume, '/a')]);
  const two = await start([mountOf(volume, '/b', { readonly: true }), mountOf(volume, '/c')]);
  assert.deepEqual(await routes(two), ['/b guest-local', '/c guest-local']);
  assert.equal((await run(one, 'stat -c "%a %u %g" /a; echo one > /a/one')).text, '2777 0 2000');
  assert.equal((await run(two, 'cat /b/one && echo two > /c/two && stat -c %g /c/two')).text, 'one\n2000');
  assert.equal((await run(one, 'cat /a/two')).text, 'two');
  assert.match((await run(two, 'echo x > /b/x')).text, /Read-only file system/);
  assert.deepEqual(
    fs.readdirSync(volume).map((entry) => entry.slice(0, 18)),
    ['.gvisor.filestore.'],
  );
  const full = await run(one, 'dd if=/dev/zero of=/a/big bs=1M count=1024');
  assert.notEqual(full.code, 0);
  assert.match(full.text, /No space left/);
  assert.match((await run(two, 'df -k /c | tail -1')).text, / 8192 +8192 +0 +100% /);
  assert.equal(
    Number((await command('du', ['-sk', volume])).toString().split('\t')[0]),
    8192,
    'a kubelet counts it by du',
  );
  await pods().stopPod(podId);
  assert.deepEqual(fs.readdirSync(volume), []);
});

test('an emptyDir on disk is counted by its blocks in its own directory, and gives them back', { skip }, async () => {
  const volume = await podWith(() => emptyDir('disk', { medium: '', sizeLimitBytes: 32 * MIB }));
  const id = await start([mountOf(volume, '/data')]);
  const kib = async () => Number((await command('du', ['-sk', volume])).toString().split('\t')[0]);
  assert.ok((await kib()) < 1024, 'empty it costs nearly nothing');
  assert.match((await run(id, 'df -k /data | tail -1')).text, / 32768 /);
  await run(id, 'dd if=/dev/zero of=/data/file bs=1M count=20');
  assert.ok((await kib()) >= 20 * 1024 && (await kib()) < 22 * 1024, `${await kib()}`);
  assert.match((await run(id, 'dd if=/dev/zero of=/data/more bs=1M count=20')).text, /No space left/);
  const [view] = await volumesOf(podId);
  assert.equal(view?.sizeLimitBytes, 32 * MIB);
  assert.ok((view?.usedBytes ?? 0) >= 20 * MIB, `crib volumes shows ${view?.usedBytes}`);
  await run(id, 'rm /data/file /data/more');
  await until(async () => (await kib()) < 1024, 'what is deleted is given back');
});

test('a restarted container finds what it wrote; the next sandbox of the pod begins empty', { skip }, async () => {
  const volume = await podWith(() => emptyDir('disk', { medium: '' }));
  const first = await start([mountOf(volume, '/data')]);
  await run(first, 'echo kept > /data/file');
  await pods().stopContainer(first, 0);
  await pods().removeContainer(first);
  const second = await start([mountOf(volume, '/data')]);
  assert.equal((await run(second, 'cat /data/file')).text, 'kept');
  await pods().removePod(podId);
  assert.deepEqual(fs.readdirSync(volume), []);
  podId = await runPod();
  assert.equal((await run(await start([mountOf(volume, '/data')]), 'ls /data')).text, '');
});

test('a killed sentry leaves nothing in the volume, whichever comes first: the stop or the next use', {
  skip,
}, async () => {
  const volume = await podWith(() => emptyDir('disk', { medium: '' }));
  const id = await start([mountOf(volume, '/data')]);
  await run(id, 'echo x > /data/file; sync');
  for (const pid of await sentriesOf(podId)) process.kill(pid, 'SIGKILL');
  await until(() => pods().containerStatus(id).state === 'exited', 'the container ends with its sentry');
  assert.equal(fs.readdirSync(volume).length, 1, 'the killed sentry could not take its file away');
  await pods().stopPod(podId);
  assert.deepEqual(fs.readdirSync(volume), []);
});

test('a pod whose copies cannot be filled is undone, and its next attempt begins anew', { skip }, async (t) => {
  t.after(() => failWith(undefined));
  failWith(async (step, work) => {
    if (step === 'finish-pod/copies') throw new CribError('UNAVAILABLE', 'a test');
    return work();
  });
  const make = () => Promise.all([configMap({ key: '1' }), emptyDir('disk', { medium: '' })]);
  await assert.rejects(podWith(make), { code: 'UNAVAILABLE' });
  const [settings, disk] = await make();
  assert.deepEqual(fs.readdirSync(disk), []);
  failWith(undefined);
  podId = await runPod();
  const id = await start([mountOf(disk, '/data'), mountOf(settings, '/settings', { readonly: true })]);
  assert.equal((await run(id, 'cat /settings/key; ls /data')).text, '1');
});

test('a part of a volume is the same files as the whole: shared from the host, or refused', { skip }, async () => {
  const volume = await podWith(() => emptyDir('data', { medium: '' }));
  fs.mkdirSync(path.join(volume, 'sub'));
  const part = await start([mountOf(path.join(volume, 'sub'), '/sub')]);
  const whole = await start([mountOf(volume, '/data')]);
  assert.deepEqual([await routes(part), await routes(whole)], [['/sub host-shared'], ['/data host-shared']]);
  await run(part, 'echo seen > /sub/file');
  assert.equal((await run(whole, 'cat /data/sub/file')).text, 'seen');
});

test('a part of a volume that is inside the sandbox already is refused, also when its container is gone', {
  skip,
}, async () => {
  const volume = await podWith(() => emptyDir('data', { medium: '' }));
  const init = await start([mountOf(volume, '/data')]);
  await run(init, 'mkdir /data/sub');
  await pods().removeContainer(init);
  await assert.rejects(start([mountOf(path.join(volume, 'sub'), '/sub')]), {
    code: 'FAILED_PRECONDITION',
    message: /a part of it, and another has it inside the sandbox already/,
  });
});

test('a volume that comes after the sandbox, or has files already, is shared from the host and says why', {
  skip,
}, async () => {
  const used = await podWith(async () => {
    const directory = await emptyDir('used', { medium: '' });
    fs.writeFileSync(path.join(directory, 'file'), 'there');
    return directory;
  });
  const late = await emptyDir('late', { medium: '' });
  const id = await start([mountOf(used, '/used'), mountOf(late, '/late')]);
  const [ofUsed, ofLate] = ['/used', '/late'].map((at) =>
    pods()
      .containerStatus(id)
      .volumes.find(({ containerPath }) => containerPath === at),
  );
  assert.match(`${ofUsed?.route} ${ofUsed?.reason}`, /^host-shared .*had files/);
  assert.match(`${ofLate?.route} ${ofLate?.reason}`, /^host-shared .*not there when the sandbox was made/);
  assert.equal((await run(id, 'cat /used/file; echo new > /late/file')).text, 'there');
  assert.equal(fs.readFileSync(path.join(late, 'file'), 'utf8'), 'new\n');
});

/** Prints the name of each inotify event in a directory; perl is the host's, mounted at /usr. */
const WATCH = `
$| = 1; my $fd = syscall(294, 0); my $path = $ARGV[0]; syscall(254, $fd, $path, 0xfff); open(my $events, "<&=$fd"); print "ready\\n";
while (sysread($events, my $b, 4096)) {
  for (my $o = 0; $o < length $b;) { my (undef, $mask, undef, $l) = unpack("iIII", substr($b, $o)); (my $n = substr($b, $o + 16, $l)) =~ s/\\0.*//s; printf "%x %s\\n", $mask, $n; $o += 16 + $l }
}`;

test('a swap of ..data arrives and fires inotify, also one that came while cribd was away', { skip }, async () => {
  const volume = await podWith(() => configMap({ key: 'one', gone: 'x' }));
  const watcher = await start(
    [mountOf(volume, '/settings', { readonly: true }), mountOf('/usr', '/usr', { readonly: true })],
    {
      command: ['/usr/bin/perl', '-e', WATCH, '/settings'],
      envs: [{ key: 'LD_LIBRARY_PATH', value: '/usr/lib/x86_64-linux-gnu' }],
      logPath: 'watcher.log',
    },
  );
  assert.deepEqual(await routes(watcher), ['/settings guest-local', '/usr host-shared']);
  const reader = await start([mountOf(volume, '/settings', { readonly: true })]);
  const read = async () => (await run(reader, 'cat /settings/key; echo; ls /settings')).text;
  assert.equal(await read(), 'one\ngone\nkey');
  assert.match((await run(reader, 'touch /settings/x')).text, /Read-only file system/);
  await configMap({ key: 'two', added: '' });
  await until(async () => (await read()) === 'two\nadded\nkey', 'the swap arrives');
  const moved = () => /stdout F 80 \.\.data\n/.test(fs.readFileSync(path.join(logs(), 'watcher.log'), 'utf8'));
  await until(moved, 'inotify tells of the rename of ..data (IN_MOVED_TO)');
  await node.restart(async () => {
    await configMap({ key: 'three' });
  });
  await until(async () => (await read()) === 'three\nkey', 'the swap during the restart arrives');
  await configMap({ key: 'four' });
  await until(async () => (await read()) === 'four\nkey', 'and the next');
});

async function volumesOf(pod: string): Promise<VolumeView[]> {
  const { volumes } = await pods().podInfo(pod);
  assert.ok(Array.isArray(volumes));
  return volumes.filter(({ kind }: VolumeView) => kind !== 'tmp');
}

async function sentriesOf(pod: string): Promise<number[]> {
  const found = [];
  for (const entry of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const line = await fs.promises.readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (line.startsWith('runsc-sandbox') && line.includes(pod.slice(0, 16))) found.push(Number(entry));
  }
  assert.notEqual(found.length, 0);
  return found;
}
