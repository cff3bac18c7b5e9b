/** A cribd of its own whose failpoints can be changed while it runs, with the images that the walk needs. */

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Contestant, cribContestant } from '../bench/contestant.js';
import { mountsBelow } from '../bench/leftovers.js';
import { audit } from '../churn/audit.js';
import { command } from '../support/command.js';
import { buildImage } from '../support/images.js';
import { busyboxRootfs } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import { type Counts, countAll, differences } from '../support/leftovers.js';
import { startRegistry } from '../support/registry.js';

/** What goes behind an answer's back has this long. */
const SETTLE_MS = 10_000;
const POLL_MS = 50;

export interface StageOptions {
  readonly network: 'bridge' | 'cni';
  readonly ociRuntime: string;
  /** Runtime handler of the pods; empty: the host's. */
  readonly handler: '' | 'gvisor';
}

export class Stage {
  readonly daemon: Contestant;
  /** Pulled already. */
  readonly image: string;
  /** In the registry only: two layers, of which the upper one needs something of the lower. */
  readonly pulled: string;
  readonly directory: string;
  readonly handler: StageOptions['handler'];
  readonly #network: StageOptions['network'];
  readonly #endRegistry: () => Promise<void>;

  private constructor(
    parts: Pick<Stage, 'daemon' | 'image' | 'pulled' | 'directory' | 'handler'>,
    network: StageOptions['network'],
    endRegistry: () => Promise<void>,
  ) {
    this.daemon = parts.daemon;
    this.image = parts.image;
    this.pulled = parts.pulled;
    this.directory = parts.directory;
    this.handler = parts.handler;
    this.#network = network;
    this.#endRegistry = endRegistry;
  }

  static async open({ network, ociRuntime, handler }: StageOptions): Promise<Stage> {
    const directory = await mkdtemp(join(tmpdir(), 'crib-failpoints-'));
    const registry = await startRegistry();
    const { address } = registry;
    const files = await busyboxRootfs();
    await pushImage(address, 'walk/busybox', '1', await buildImage({ files, config: { Cmd: ['sh'] } }));
    await pushImage(address, 'walk/pulled', '1', await buildImage({ layers: PULLED_LAYERS }));
    const env = { CRIB_FAILPOINTS: `@${join(directory, 'list')}` };
    const settings = { ociRuntime, env };
    const daemon = await cribContestant(join(directory, 'crib'), join(directory, 'certs'), network, settings);
    const [image, pulled] = [`${address}/walk/busybox:1`, `${address}/walk/pulled:1`];
    const parts = { daemon, image, pulled, directory, handler };
    const stage = new Stage(parts, network, () => registry.stop());
    await daemon.start();
    await daemon.cri.images.pullImage({ image: { image: parts.image } });
    return stage;
  }

  /** From now on; empty: none. */
  async arm(list: string): Promise<void> {
    await writeFile(join(this.directory, 'list'), list);
  }

  /** What the daemon and the keeper have said so far, each. */
  async said(): Promise<string[]> {
    const files = [join(this.daemon.dir, 'daemon.log'), join(this.daemon.dir, 'state', 'keeper.log')];
    return Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  }

  /** `kill -9` where it still runs, and a new one; what is half there then, in words. */
  async restart(): Promise<string[]> {
    await this.arm('');
    await this.daemon.kill();
    await this.daemon.start();
    return audit(this.daemon);
  }

  async count(): Promise<Counts> {
    const { daemon: cribd, supervisors } = await this.daemon.pids();
    const processes = { cribd, keeper: supervisors[0] ?? -1 };
    const { dir } = this.daemon;
    const [cniNetwork = '', bridge = ''] = this.daemon.marks;
    const onlyOf = this.#network === 'bridge' ? { bridge } : { bridge, cniNetwork };
    return countAll({ root: join(dir, 'root'), state: join(dir, 'state'), processes, onlyOf });
  }

  /** What differs from `before`, in words. */
  async leftSince(before: Counts): Promise<string[]> {
    for (const deadline = performance.now() + SETTLE_MS; ; await sleep(POLL_MS)) {
      const found = [...differences(before, await this.count()), ...(await this.#addressesHeld())];
      if (found.length === 0 || performance.now() > deadline) return found;
    }
  }

  /** host-local has a file for each address that it has given. */
  async #addressesHeld(): Promise<string[]> {
    if (this.#network === 'bridge') return [];
    const [cniNetwork = ''] = this.daemon.marks;
    const names = await readdir(join(this.daemon.dir, 'ipam-a', cniNetwork)).catch((): string[] => []);
    return names.filter((name) => isIP(name) !== 0).map((name) => `address ${name} is held`);
  }

  async close(): Promise<void> {
    await this.arm('');
    await this.daemon.kill();
    await this.daemon.start().catch((error: unknown) => console.error(`failpoints: the last start: ${String(error)}`));
    await this.daemon.stop();
    for (const point of (await mountsBelow(this.directory)).reverse()) {
      await command('umount', ['--lazy', point]).catch((error: unknown) => console.error(String(error)));
    }
    await this.#endRegistry();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** A hard link to a file of the lower layer, and a directory that only the lower one has an entry of. */
const PULLED_LAYERS = [
  [
    { path: 'etc', type: 'dir', mode: 0o750 },
    { path: 'etc/below', content: 'from the lower layer' },
  ],
  [
    { path: 'etc/above', content: 'from the upper layer' },
    { path: 'etc/again', type: 'hardlink', target: 'etc/below' },
  ],
] as const;
