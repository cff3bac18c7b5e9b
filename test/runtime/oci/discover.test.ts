import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Log } from '../../../runtime/log.js';
import { chooseRuntime, discoverRuntimes } from '../../../runtime/oci/discover.js';

let stateDir = '';
const warnings: string[] = [];
const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (fields) => void warnings.push(JSON.stringify(fields)),
  error: () => {},
};

/** v2: at the top; v1: in each hierarchy. */
const probeCgroups = () => {
  const directories = (path: string) =>
    fs.readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  const top = directories('/sys/fs/cgroup');
  return [...top, ...top.flatMap((name) => directories(path.join('/sys/fs/cgroup', name)))].filter(
    (name) => name.startsWith('crib-probe') && name.endsWith(`-${process.pid}`),
  );
};

before(() => {
  stateDir = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-oci-'));
});
after(() => fs.rmSync(stateDir, { recursive: true, force: true }));

describe('discovering OCI runtimes', () => {
  it('tries each with a container, says why one does not work, and leaves nothing behind', async () => {
    const runtimes = await discoverRuntimes({ stateDir, log });
    const runc = runtimes.find((runtime) => runtime.name === 'runc');
    assert.ok(runc !== undefined, 'runc is installed by the set-up');
    assert.equal(runc.works, true, runc.reason);
    assert.match(runc.version, /^\d+\.\d+/);
    assert.equal(runc.reason, '');
    assert.equal(chooseRuntime(runtimes).works, true);
    for (const runtime of runtimes.filter((runtime) => !runtime.works)) {
      assert.notEqual(runtime.reason, '');
      assert.ok(warnings.some((warning) => warning.includes(runtime.path)));
      if (runtime.reason.includes('hybrid')) assert.match(runtime.reason, /mount -t cgroup -o \w+ cgroup/);
    }
    assert.deepEqual(probeCgroups(), []);
    assert.deepEqual(
      fs.readdirSync(stateDir).filter((name) => name.startsWith('probe')),
      [],
    );
  });

  it('says which directory keeps users of user namespaces out, and tries again once it lets them through', async () => {
    const runcOf = async () => (await discoverRuntimes({ stateDir, log })).find(({ name }) => name === 'runc');
    fs.chmodSync(stateDir, 0o700);
    const before = await runcOf();
    assert.equal(before?.features.userNamespaces, false);
    assert.ok(before?.features.userNamespaceObstacle.includes(`chmod o+x ${stateDir}`));
    fs.chmodSync(stateDir, 0o711);
    assert.equal((await runcOf())?.features.userNamespaceObstacle, '');
  });

  it('does not try again what worked, until the file changes', async () => {
    const copy = path.join(stateDir, 'runc-copy');
    const counter = path.join(stateDir, 'count');
    const runc = (await discoverRuntimes({ stateDir, log })).find((runtime) => runtime.name === 'runc');
    fs.writeFileSync(copy, `#!/bin/sh\necho "$*" >> ${counter}\nexec ${runc?.path} "$@"\n`, { mode: 0o755 });
    const [first] = await discoverRuntimes({ stateDir, log, preferred: copy });
    assert.equal(first?.works, true, first?.reason);
    assert.equal(first?.path, copy);
    const tried = fs.readFileSync(counter, 'utf8');
    assert.match(tried, / run --bundle /);
    const [second] = await discoverRuntimes({ stateDir, log, preferred: copy });
    assert.deepEqual({ ...second }, { ...first });
    assert.equal(fs.readFileSync(counter, 'utf8'), tried);
    fs.utimesSync(copy, 1, 1);
    await discoverRuntimes({ stateDir, log, preferred: copy });
    assert.notEqual(fs.readFileSync(counter, 'utf8'), tried);
  });

  it('does not try again what refuses the layout of cgroups; other failures may pass, and are tried again', async () => {
    const refusing = path.join(stateDir, 'refusing');
    const counter = path.join(stateDir, 'refused');
    const tries = () =>
      fs
        .readFileSync(counter, 'utf8')
        .split('\n')
        .filter((line) => / run --bundle /.test(line)).length;
    const say = (why: string) => {
      fs.writeFileSync(refusing, `#!/bin/sh\necho "$*" >> ${counter}\necho "${why}" >&2\nexit 1\n`, { mode: 0o755 });
      fs.utimesSync(refusing, 1, 1);
    };
    say('hybrid mode not supported');
    const [first] = await discoverRuntimes({ stateDir, log, preferred: refusing });
    const [again] = await discoverRuntimes({ stateDir, log, preferred: refusing });
    assert.match(first?.reason ?? '', /hybrid mode not supported; it needs every controller/);
    assert.deepEqual({ ...again }, { ...first });
    assert.equal(tries(), 1);
    say('no space left on device, this time');
    await discoverRuntimes({ stateDir, log, preferred: refusing });
    await discoverRuntimes({ stateDir, log, preferred: refusing });
    assert.equal(tries(), 3);
  });

  it('reports a preferred runtime that is not there, or fails, and goes on to the next', async () => {
    const broken = path.join(stateDir, 'broken');
    fs.writeFileSync(broken, '#!/bin/sh\necho "cannot do this here" >&2\nexit 3\n', { mode: 0o755 });
    for (const [preferred, reason] of [
      [path.join(stateDir, 'none'), /is not an executable file/],
      [broken, /cannot do this here/],
    ] as const) {
      const runtimes = await discoverRuntimes({ stateDir, log, preferred });
      assert.equal(runtimes[0]?.works, false);
      assert.match(runtimes[0]?.reason ?? '', reason);
      assert.equal(chooseRuntime(runtimes).works, true);
    }
  });

  it('takes away what a killed trial left', async () => {
    const left = path.join(stateDir, 'probe-runc-4194303');
    fs.mkdirSync(path.join(left, 'rootfs/usr'), { recursive: true });
    await discoverRuntimes({ stateDir, log });
    assert.equal(fs.existsSync(left), false);
  });

  it('says what to install where nothing is found', () => {
    assert.throws(() => chooseRuntime([]), { code: 'FAILED_PRECONDITION', message: /apt-get install crun/ });
  });
});
