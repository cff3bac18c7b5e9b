/** The node under test: a registry, crib, and a kubelet, all in the box of this run. */

import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PodSandboxState } from '../../cri/api/generated/index.js';
import { type CriClient, connect } from '../../cri/client.js';
import { removeNetwork, type TestNetwork, writeNetwork } from '../conformance/node-files.js';
import type { Registry } from '../support/registry.js';
import { startRegistry } from '../support/registry.js';
import { pushImages, type TestImages } from './images.js';
import { KubeletApi } from './kubelet-api.js';
import { KUBELET_ADDRESS, type KubeletSettings, kubeletConfig, NODE_ADDRESS, NODE_NAME } from './kubelet-config.js';
import { isReady, type Manifest, type Pod } from './manifest.js';
import type { CgroupDriver, Pleg } from './options.js';
import { Program } from './processes.js';
import { eventually } from './wait.js';

const CRIB = join('dist', 'bundle', 'cribd.js');
/** What a kubelet sets on its host; here it sets files that lie over them, for these are the whole machine's. */
const KERNEL_SETTINGS = [
  ...['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops'],
  ...['kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes'],
];

export interface NodeOptions {
  /** Everything lies below it. */
  readonly dir: string;
  readonly kubelet: string;
  readonly pleg: Pleg;
  readonly cgroupDriver: CgroupDriver;
  readonly verbosity: number;
  /** Where the logs of crib and of the kubelet stay. */
  readonly logs: string;
  /** The kubelet's credentials, which crib asks with too; absent: there is no API server. */
  readonly kubeconfig?: string;
}

export class ClusterNode {
  readonly dir: string;
  readonly socket: string;
  readonly api: KubeletApi;
  readonly cri: CriClient;
  readonly images: TestImages;
  readonly #options: NodeOptions;
  readonly #registry: Registry;
  #network: TestNetwork | undefined;
  #crib: Program | undefined;
  #kubelet: Program | undefined;
  #keeperDeaths = 0;

  private constructor(options: NodeOptions, registry: Registry, images: TestImages) {
    const { dir } = options;
    this.#options = options;
    this.#registry = registry;
    this.images = images;
    this.dir = dir;
    this.socket = join('/run', `crib-${options.pleg}.sock`);
    this.api = new KubeletApi(KUBELET_ADDRESS, join(dir, 'kubelet', 'pki', 'kubelet.crt'));
    this.cri = connect(`unix://${this.socket}`);
  }

  /** Everything but the network configuration, the runtime and the kubelet. */
  static async prepare(options: NodeOptions): Promise<ClusterNode> {
    const { dir } = options;
    for (const name of ['manifests', 'kubelet', 'plugins', 'cni', 'shared']) await mkdir(join(dir, name));
    await writeFile(join(dir, 'resolv.conf'), 'nameserver 192.0.2.53\nsearch test.example\n');
    for (const name of ['.', 'shared']) await chmod(join(dir, name), 0o711); // for pods in user namespaces
    const registry = await startRegistry();
    const images = await pushImages(registry.address);
    const node = new ClusterNode(options, registry, images);
    await writeFile(join(dir, 'crib.toml'), node.#cribConfig());
    await node.#copyKernelSettings();
    return node;
  }

  get pleg(): Pleg {
    return this.#options.pleg;
  }

  get cgroupDriver(): CgroupDriver {
    return this.#options.cgroupDriver;
  }

  get cribRoot(): string {
    return join(this.dir, 'crib');
  }

  get cribState(): string {
    return join('/run', `crib-${this.#options.pleg}`);
  }

  get kubeletRoot(): string {
    return join(this.dir, 'kubelet');
  }

  #cribConfig(): string {
    const { kubeconfig } = this.#options;
    const pinned = JSON.stringify([this.images.pinned]);
    return `listen = "unix://${this.socket}"
root = "${this.cribRoot}"
state = "${this.cribState}"
certs_dir = "${this.dir}/certs"
cgroup_driver = "${this.cgroupDriver}"
${kubeconfig === undefined ? '' : `kubeconfig = "${kubeconfig}"`}
[network]
cni_conf_dir = "${this.dir}/cni"
cni_bin_dir = ["/usr/lib/cni"]
[images]
pinned = ${pinned}
[volumes]
kubelet_roots = ["${this.kubeletRoot}"]
`;
  }

  async #copyKernelSettings(): Promise<void> {
    for (const name of KERNEL_SETTINGS) {
      const file = join(this.dir, 'sysctl', name);
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, await readFile(join('/proc/sys', name)));
    }
  }

  /** As the network plug-in of a cluster does when it is ready; once is enough. */
  async configureNetwork(): Promise<void> {
    this.#network ??= await writeNetwork(this.dir);
  }

  async startCrib(): Promise<void> {
    const args = [CRIB, 'serve', '--config', join(this.dir, 'crib.toml')];
    const crib = await Program.start(process.execPath, args, join(this.#options.logs, 'crib.log'));
    this.#crib = crib;
    await eventually('crib answers', async () => {
      crib.check();
      return this.cri.runtime.version({}, { timeoutMs: 1000 }).then(
        () => true,
        () => false,
      );
    });
  }

  async killCrib(): Promise<void> {
    await this.#crib?.kill();
    this.#crib = undefined;
  }

  /** SIGKILL, and the end of it. While crib runs the next keeper comes by itself. */
  async killKeeper(): Promise<void> {
    const pid = await this.#keeper();
    process.kill(pid, 'SIGKILL');
    this.#keeperDeaths++;
    await eventually('the keeper has ended', async () => (await stateOf(pid)) !== 'alive');
  }

  /** How often this node's keeper was killed: as many gaps a log may have. */
  get keeperDeaths(): number {
    return this.#keeperDeaths;
  }

  async #keeper(): Promise<number> {
    return Number(await readFile(join(this.cribState, 'keeper.lock'), 'latin1'));
  }

  async startKubelet(settings: Partial<KubeletSettings> = {}): Promise<void> {
    const { dir, kubelet, pleg, cgroupDriver, verbosity, logs, kubeconfig } = this.#options;
    const fixed = { pleg, cgroupDriver, ...(kubeconfig === undefined ? {} : { kubeconfig }) };
    const complete = { criStats: false, diskIsFull: false, ...fixed, ...settings };
    const config = join(dir, 'kubelet.json');
    await writeFile(config, kubeletConfig(dir, this.socket, complete));
    const args = ['--config', config, '--root-dir', this.kubeletRoot, '--cert-dir', join(this.kubeletRoot, 'pki')];
    args.push('--hostname-override', NODE_NAME, '--node-ip', NODE_ADDRESS, '-v', String(verbosity));
    if (kubeconfig !== undefined) args.push('--kubeconfig', kubeconfig);
    const script = [
      'set -e; dir=$1; shift; mount --make-rprivate /proc',
      `for name in ${KERNEL_SETTINGS.join(' ')}; do mount --bind "$dir/sysctl/$name" "/proc/sys/$name"; done`,
      'exec "$@"',
    ].join('; ');
    const unshare = ['--mount', '--propagation', 'unchanged', 'sh', '-c', script, 'sh', dir, kubelet, ...args];
    const program = await Program.start('unshare', unshare, join(logs, 'kubelet.log'));
    this.#kubelet = program;
    await eventually('the kubelet is healthy', () => {
      program.check();
      return this.api.healthy();
    });
  }

  async stopKubelet(): Promise<void> {
    await this.#kubelet?.stop();
    this.#kubelet = undefined;
  }

  /** Ends everything; pods that are there stay. The box ends what that leaves. */
  async stop(): Promise<void> {
    await this.stopKubelet();
    this.cri.close();
    await this.#crib?.stop();
    await this.#registry.stop();
    if (this.#network !== undefined) await removeNetwork(this.#network);
  }

  /** The kubelet finds it within a second or two; a file that is half written it would report. */
  async apply(manifest: Manifest): Promise<void> {
    const file = this.#manifestFile(manifest.metadata.name);
    const scratch = join(this.dir, `${manifest.metadata.name}.json`);
    await writeFile(scratch, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...manifest }));
    await rename(scratch, file);
  }

  async remove(name: string): Promise<void> {
    await rm(this.#manifestFile(name), { force: true });
  }

  /** Every manifest goes, also those of checks that failed. */
  async removeAll(): Promise<void> {
    const dir = join(this.dir, 'manifests');
    for (const name of await readdir(dir)) await this.removeAndWait(name.replace(/\.json$/, ''));
  }

  #manifestFile(name: string): string {
    return join(this.dir, 'manifests', `${name}.json`);
  }

  /** As the kubelet shows it. */
  async pod(name: string): Promise<Pod | undefined> {
    const pods = await this.api.pods();
    return pods.find(({ metadata }) => metadata.name === `${name}-${NODE_NAME}`);
  }

  /** Waits until the kubelet shows the pod as `is` wants it; in the failure stands what it shows. */
  async untilPod(name: string, what: string, is: (pod: Pod) => boolean, limitMs?: number): Promise<Pod> {
    let last: Pod | undefined;
    const found = async () => {
      last = await this.pod(name).catch(() => last);
      return last !== undefined && is(last);
    };
    await eventually(`${name}: ${what}`, found, limitMs, () => JSON.stringify(last?.status));
    if (last === undefined) throw new Error(`${name}: there is no such pod`);
    return last;
  }

  async applyAndWait(manifest: Manifest, limitMs?: number): Promise<Pod> {
    await this.apply(manifest);
    return this.untilPod(manifest.metadata.name, 'is ready', isReady, limitMs);
  }

  /** Until the kubelet does not know it and nothing of it runs; a dead sandbox the kubelet collects within a minute. */
  async removeAndWait(name: string): Promise<void> {
    await this.remove(name);
    await eventually(`${name} is gone`, async () => {
      return !(await this.runs(`${name}-${NODE_NAME}`)) && (await this.pod(name)) === undefined;
    });
  }

  /** Whether the runtime has a sandbox of this pod that is not stopped. */
  async runs(podName: string): Promise<boolean> {
    const filter = { state: { state: PodSandboxState.SANDBOX_READY } };
    const { items } = await this.cri.runtime.listPodSandbox({ filter });
    return items.some(({ metadata }) => metadata?.name === podName);
  }
}

/** What was killed may stay a zombie for a moment. */
async function stateOf(pid: number): Promise<'alive' | 'ended'> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return /\) [^ZX]/.test(stat.slice(stat.lastIndexOf(')'))) ? 'alive' : 'ended';
}
