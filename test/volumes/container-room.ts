/** Runs a script in a real container that has prepared volumes, by whichever OCI runtime works here. */

import fs from 'node:fs';
import path from 'node:path';
import { createCgroups } from '../../runtime/cgroups/cgroups.js';
import type { MountConfig } from '../../runtime/containers/config.js';
import { chooseRuntime, discoverRuntimes } from '../../runtime/oci/discover.js';
import type { OciRuntime } from '../../runtime/oci/oci-runtime.js';
import { releaseOwned } from '../../volumes/owned.js';
import { prepareVolumes } from '../../volumes/prepare.js';
import type { VolumeContext } from '../../volumes/types.js';
import { HOST, makeTemporary, removeTemporary } from './fixture.js';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface RunOptions {
  readonly context?: Partial<VolumeContext>;
  readonly readonlyRootfs?: boolean;
  /** First id on the host of a user namespace of 65536 ids; absent: the host's own. */
  readonly userNamespaceAt?: number;
}

export class ContainerRoom {
  readonly root: string;
  readonly runtime: OciRuntime;
  readonly #cgroup = `/crib-volumes-test-${process.pid}`;
  #count = 0;

  private constructor(root: string, runtime: OciRuntime) {
    this.root = root;
    this.runtime = runtime;
  }

  static async open(): Promise<ContainerRoom> {
    const root = makeTemporary();
    fs.chmodSync(root, 0o755);
    const preferred = process.env.CRIB_TEST_OCI_RUNTIME;
    const place = { stateDir: path.join(root, 'state'), log: quiet };
    const runtimes = await discoverRuntimes({ ...place, ...(preferred === undefined ? {} : { preferred }) });
    const runtime = chooseRuntime(runtimes);
    return new ContainerRoom(root, runtime);
  }

  async close(): Promise<void> {
    const cgroups = await createCgroups();
    await cgroups.kill(this.#cgroup);
    await cgroups.remove(this.#cgroup);
    await removeTemporary(this.root);
  }

  directory(name: string): string {
    const directory = path.join(this.root, name);
    fs.mkdirSync(directory, { recursive: true });
    return directory;
  }

  /** What the script prints. Throws what the runtime says where it does not come to that, or the script fails. */
  async run(mounts: readonly MountConfig[], script: string, options: RunOptions = {}): Promise<string> {
    const name = String(this.#count++);
    const bundle = this.directory(`bundle-${name}`);
    const rootfs = this.directory(`bundle-${name}/rootfs`);
    fs.mkdirSync(path.join(rootfs, 'tmp'));
    fs.chmodSync(path.join(rootfs, 'tmp'), 0o1777);
    const owned = path.join(bundle, 'volumes');
    const context = { ...HOST, owned, overlays: path.join(bundle, 'overlays'), rootfs, ...options.context };
    const prepared = await prepareVolumes(mounts, context);
    const volumes = prepared.flatMap(({ mount }) => (mount === undefined ? [] : [mount]));
    fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify(this.#spec(name, script, volumes, options)));
    if (options.userNamespaceAt !== undefined) fs.chownSync(rootfs, options.userNamespaceAt, options.userNamespaceAt);
    const target = {
      id: `crib-volumes-${name}-${process.pid}`,
      root: path.join(this.root, 'runtime'),
      log: path.join(bundle, 'log'),
    };
    const argv = this.runtime.createArgv({ ...target, bundle, pidFile: path.join(bundle, 'pid') });
    try {
      return await this.runtime.run(
        argv.map((word) => (word === 'create' ? 'run' : word)),
        15_000,
      );
    } finally {
      await this.runtime.delete(target);
      releaseOwned(owned);
    }
  }

  #spec(name: string, script: string, volumes: readonly object[], options: RunOptions): object {
    const host = (source: string) => ({ destination: source, type: 'bind', source, options: ['rbind', 'ro'] });
    const { userNamespaceAt } = options;
    const ids = [{ containerID: 0, hostID: userNamespaceAt, size: 65_536 }];
    const kinds = ['pid', 'mount', 'ipc', 'uts', ...(userNamespaceAt === undefined ? [] : ['user'])];
    return {
      ociVersion: '1.0.2',
      process: { user: { uid: 0, gid: 0 }, args: ['/bin/sh', '-c', script], env: ['PATH=/usr/bin:/bin'], cwd: '/' },
      root: { path: 'rootfs', readonly: options.readonlyRootfs === true },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
        ...['/usr', '/lib', '/lib64', '/bin'].map(host),
        ...volumes,
      ],
      linux: {
        rootfsPropagation: 'rslave',
        cgroupsPath: `${this.#cgroup}/${name}`,
        namespaces: kinds.map((type) => ({ type })),
        ...(userNamespaceAt === undefined ? {} : { uidMappings: ids, gidMappings: ids }),
        resources: { devices: [{ allow: false, access: 'rwm' }] },
      },
    };
  }
}
