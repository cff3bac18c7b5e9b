/** Containers of runc for a keeper of one test's own. */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { KeptStdio } from '../../../runtime/keeper/protocol.js';
import { staticBusybox } from '../../support/images-debian.js';
import { type Harness, withKeeper } from './harness.js';

const RUNC = '/usr/sbin/runc';
/** Why such a test is left out; false where it is not. */
export const NO_RUNC = fs.existsSync(RUNC) ? false : 'no runc';
const CGROUP = '/sys/fs/cgroup/pids/crib-keeper-test';
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** A bundle with busybox alone in its root. */
function makeBundle(
  busybox: string,
  root: string,
  id: string,
  script: string,
  terminal: boolean,
  sharedPid: boolean,
): string {
  const bundle = path.join(root, `bundle-${id}`);
  for (const name of ['bin', 'proc', 'dev']) fs.mkdirSync(path.join(bundle, 'rootfs', name), { recursive: true });
  fs.copyFileSync(busybox, path.join(bundle, 'rootfs/bin/busybox'));
  for (const name of ['sh', 'sleep', 'echo', 'stty', 'cat'])
    fs.symlinkSync('busybox', path.join(bundle, 'rootfs/bin', name));
  const config = {
    ociVersion: '1.0.2',
    process: {
      terminal,
      user: { uid: 1000, gid: 1000 },
      args: ['/bin/sh', '-c', script],
      env: ['PATH=/bin'],
      cwd: '/',
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
    ],
    linux: {
      cgroupsPath: `/crib-keeper-test/${id}`,
      namespaces: ['mount', 'ipc', 'uts', ...(sharedPid ? [] : ['pid'])].map((type) => ({ type })),
    },
  };
  fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

interface StartOptions {
  readonly tty?: boolean;
  readonly sharedPid?: boolean;
  readonly stdio?: Partial<KeptStdio>;
}

export interface Started {
  readonly harness: Harness;
  start(id: string, script: string, options?: StartOptions): Promise<void>;
}

export async function withRunc(body: (started: Started) => Promise<void>): Promise<void> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-runc-'));
  const busybox = await staticBusybox();
  const ids: string[] = [];
  const runc = (...args: string[]) => [RUNC, '--root', path.join(root, 'runc'), ...args];
  try {
    await withKeeper(async (harness) => {
      const { client, spec } = harness;
      await body({
        harness,
        start: async (id, script, { tty = false, sharedPid = false, stdio = {} } = {}) => {
          ids.push(id);
          const runtimeLog = path.join(root, `${id}.json`);
          const logging = ['--log', runtimeLog, '--log-format', 'json'];
          const create = [
            'create',
            '--bundle',
            makeBundle(busybox, root, id, script, tty, sharedPid),
            '--pid-file',
            '{pidFile}',
          ];
          const console = tty ? ['--console-socket', '{consoleSocket}'] : [];
          const createArgv = [...runc(...logging, ...create), ...console, id];
          const cgroupDirs = [path.join(CGROUP, id)];
          await client.create(
            spec(id, { createArgv, runtimeLog, cgroupDirs, stdio: { tty, uid: 1000, gid: 1000, ...stdio } }),
          );
          await client.run(runc('start', id), env, 10_000);
        },
      });
    });
  } finally {
    for (const id of ids) spawnSync(RUNC, runc('delete', '--force', id).slice(1));
    for (const hierarchy of fs.readdirSync('/sys/fs/cgroup')) {
      spawnSync('rmdir', [path.join('/sys/fs/cgroup', hierarchy, 'crib-keeper-test')]);
    }
    fs.rmSync(root, { recursive: true, force: true });
  }
}
