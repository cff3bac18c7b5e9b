/** A node whose crib is installed as its README says: units of systemd, default directories, a bridge of its own. */

import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CriClient, connect } from '../../cri/client.js';
import { eventually, isGone } from '../cluster/wait.js';
import { command } from '../support/command.js';
import { buildImage } from '../support/images.js';
import { busyboxRootfs } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import { type Registry, startRegistry } from '../support/registry.js';

export const UNITS = ['crib-keeper.service', 'crib.service'] as const;
export type Unit = (typeof UNITS)[number];

const CONFIG = 'cgroup_driver = "systemd"\n[network]\nmode = "bridge"\n';
const LOGS = '/var/log/pods/crib-guest';
const CGROUPS = '/sys/fs/cgroup';

/** As the administrator of a node does it. */
export async function configure(): Promise<void> {
  await mkdir('/etc/crib', { recursive: true });
  await writeFile('/etc/crib/config.toml', CONFIG);
}

export interface Started {
  readonly pod: string;
  readonly container: string;
  readonly log: string;
}

export class ServiceNode {
  readonly cri: CriClient = connect('unix:///run/crib/crib.sock');
  /** Pods by the names that checks give them. */
  readonly pods = new Map<string, Started>();
  readonly #registry: Registry;
  readonly #image: string;

  private constructor(registry: Registry, image: string) {
    this.#registry = registry;
    this.#image = image;
  }

  static async start(): Promise<ServiceNode> {
    const registry = await startRegistry();
    const image = await buildImage({ files: await busyboxRootfs(), config: { Cmd: ['sh'] } });
    await pushImage(registry.address, 'busybox', 'latest', image);
    await configure();
    for (const unit of UNITS) await copyFile(join('manifests', unit), join('/etc/systemd/system', unit));
    await command('systemctl', ['daemon-reload']);
    await command('systemctl', ['start', ...UNITS]);
    const node = new ServiceNode(registry, `${registry.address}/busybox:latest`);
    await node.answers();
    await node.cri.images.pullImage({ image: { image: node.#image } });
    return node;
  }

  async stop(): Promise<void> {
    this.cri.close();
    await command('systemctl', ['stop', ...UNITS]);
    await this.#registry.stop();
  }

  answers(): Promise<void> {
    const version = () => this.cri.runtime.version({}, { timeoutMs: 5000 });
    return eventually('crib answers', () =>
      version().then(
        () => true,
        () => false,
      ),
    );
  }

  /** A pod of one container, which runs `script`; `handler` names the OCI runtime. */
  async run(name: string, script: string, { handler = '', tty = false, memory = 0n } = {}): Promise<Started> {
    const config = {
      metadata: { name, uid: `uid-${name}`, namespace: 'guest', attempt: 0 },
      logDirectory: join(LOGS, name),
      linux: {
        resources: { memoryLimitInBytes: memory, cpuShares: 512n },
        securityContext: { namespaceOptions: { pid: 1 } },
      },
    };
    const { podSandboxId: pod } = await this.cri.runtime.runPodSandbox({ config, runtimeHandler: handler });
    const { containerId: container } = await this.cri.runtime.createContainer({
      podSandboxId: pod,
      sandboxConfig: config,
      config: {
        metadata: { name: 'main', attempt: 0 },
        image: { image: this.#image },
        command: ['sh', '-c', script],
        logPath: 'main.log',
        tty,
        linux: {
          resources: { memoryLimitInBytes: memory, cpuShares: 512n, cpuQuota: 50_000n, cpuPeriod: 100_000n },
          securityContext: { namespaceOptions: { pid: 1 } },
        },
      },
    });
    await this.cri.runtime.startContainer({ containerId: container });
    const started = { pod, container, log: join(LOGS, name, 'main.log') };
    this.pods.set(name, started);
    return started;
  }

  /** The pod that an earlier check has started under this name. */
  earlier(name: string): Started {
    const found = this.pods.get(name);
    if (found === undefined) throw new Error(`the check that starts pod ${name} has failed`);
    return found;
  }

  async state({ container }: Started): Promise<number | undefined> {
    return (await this.cri.runtime.containerStatus({ containerId: container })).status?.state;
  }

  async exec({ container }: Started, ...cmd: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.cri.runtime.execSync({
      ...{ containerId: container, cmd, timeout: 60n },
    });
    if (exitCode !== 0) throw new Error(`${cmd.join(' ')} ended with ${exitCode}: ${Buffer.from(stderr)}`);
    return Buffer.from(stdout).toString().trim();
  }

  /** The processes of the container, by the cgroup that the driver's names lead to. */
  async processes(started: Started): Promise<string> {
    return limit(started, 'cgroup.procs');
  }
}

export function podCgroup({ pod }: Started): string {
  return join(CGROUPS, 'crib.slice', `crib-pod${pod}.slice`);
}

export function containerCgroup(started: Started): string {
  return join(podCgroup(started), `crib-${started.container}.scope`);
}

/** A file of the cgroup that holds the container: its scope, or with crun the one below that systemd leaves alone. */
export async function limit(started: Started, file: string): Promise<string> {
  const scope = containerCgroup(started);
  const below = join(scope, 'container');
  return (await readFile(join((await isGone(below)) ? scope : below, file), 'utf8')).trim();
}

export async function property(unit: string, name: string): Promise<string> {
  return (await command('systemctl', ['show', '--value', '-p', name, unit])).toString().trim();
}

/** Process ids of all that runs the keeper's program. */
export async function keepers(): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const words = (await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (words.some((word) => word.endsWith('/bundle/keeper.js'))) found.push(Number(name));
  }
  return found;
}
