/** Puts the rooms together: from a configuration to a node's pods and images. The only place that knows all of them. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { allDone } from '../../runtime/all-done.js';
import { createCgroups } from '../../runtime/cgroups/cgroups.js';
import { CGROUPFS, SYSTEMD } from '../../runtime/cgroups/driver.js';
import { CgroupSampler } from '../../runtime/cgroups/sampler.js';
import { withSystemd } from '../../runtime/cgroups/systemd.js';
import type { Cgroups } from '../../runtime/cgroups/types.js';
import { makeDirectory } from '../../runtime/durable-file.js';
import { CribError } from '../../runtime/errors.js';
import { createRegistryClient } from '../../runtime/images/registry/client.js';
import { createImageStore } from '../../runtime/images/store.js';
import type { ImageStore } from '../../runtime/images/types.js';
import { KeeperClient } from '../../runtime/keeper/client.js';
import { bootId } from '../../runtime/linux/processes.js';
import type { Log } from '../../runtime/log.js';
import { discoverRuntimes } from '../../runtime/oci/discover.js';
import { NO_FEATURES } from '../../runtime/oci/feature-trials.js';
import { OciRuntime } from '../../runtime/oci/oci-runtime.js';
import { discoverHostFacts } from '../../runtime/spec/host.js';
import { filesystemNames } from '../../sandbox/filesystems.js';
import { findBusybox } from '../../sandbox/gvisor/guest-volumes.js';
import type { GvisorBackendParts } from '../../sandbox/gvisor/parts.js';
import type { Handler } from '../../sandbox/handlers.js';
import { Handlers } from '../../sandbox/handlers.js';
import { HostBackend, type HostBackendParts } from '../../sandbox/host/backend.js';
import { createNetwork } from '../../sandbox/network/index.js';
import { PodObjects } from '../../sandbox/pod-objects.js';
import { createPodRuntime } from '../../sandbox/runtime.js';
import type { PodRuntime } from '../../sandbox/types.js';
import { volumePolicies } from '../../sandbox/volume-policies.js';
import { VolumeUsage } from '../../sandbox/volume-usage.js';
import { WritableLayers } from '../../sandbox/writable-layers.js';
import { COPY_LIMITS } from '../../volumes/policy.js';
import { PodThread } from '../kubernetes/pod-thread.js';
import type { Config } from './config.js';
import { GVISOR, gvisorHandler, gvisorLeftovers } from './gvisor-handler.js';
import { localPodsRoot } from './pod/local-pods.js';

export interface Assembly {
  readonly pods: PodRuntime;
  readonly images: ImageStore;
  /** Its process id; undefined while it is not connected. */
  keeperPid(): number | undefined;
  /** Takes down what the pod network needs on the host; only when no pod is left. */
  destroyNetwork(): Promise<void>;
  /** To be called as soon as it is to end, before what is in progress is waited for. */
  retire(): void;
  close(): Promise<void>;
}

/** Everything but the gRPC server; `open` of each part has been called, so what a crash left is settled. */
export async function assemble(config: Config, log: Log, bundles = ownDirectory()): Promise<Assembly> {
  const { root, state } = config;
  await Promise.all([makeDirectory(root, 0o711), makeDirectory(state, 0o711)]);
  const cgroups = await cgroupsOf(config);
  const keeper = new KeeperClient({ state, keeperPath: path.join(bundles, 'keeper.js'), log });
  const network = createNetwork({
    mode: config.network,
    root,
    confDir: config.cniConfDir,
    binDirs: config.cniBinDir,
    bridge: { name: config.bridgeName, subnets: config.bridgeSubnets },
    log,
  });
  // Both wait for other processes; meanwhile this one finds out what the host has.
  const opened = allDone([keeper.connect(), network.open()]);
  const discovered = discover(config, log);
  await allDone([opened, discovered]);
  const { host, runtimes, filesystems } = await discovered;
  const sampler = new CgroupSampler(cgroups);
  let pods: PodRuntime | undefined;
  const images = createImageStore({
    root,
    filesystem: filesystems.images,
    registry: createRegistryClient({ certsDir: config.certsDir, dockerConfigPaths: dockerConfigPaths() }),
    layersInUse: () => layersInUse(pods),
    pinned: config.pinnedImages,
    unpackerScript: path.join(bundles, 'unpack.js'),
    log,
  });
  const cgroupDriver = config.cgroupDriver === 'systemd' ? SYSTEMD : CGROUPFS;
  const backendParts = { state, keeper, cgroups, cgroupDriver, sampler, host, log };
  const podObjects = podObjectsOf(config, bundles, log);
  const gvisorParts = { ...backendParts, volumes: await guestVolumesOf(config, podObjects) };
  const gvisor = await gvisorHandler(gvisorParts, {
    stateDir: path.join(root, 'probe'),
    platform: config.gvisorPlatform,
    log,
  });
  const handlers = new Handlers([...handlersOf(runtimes, backendParts), gvisor], config.defaultHandler, (name) =>
    name === GVISOR ? gvisorLeftovers(gvisorParts) : hostLeftovers(name, backendParts),
  );
  for (const name of Object.keys(config.volumePolicies)) await handlers.tried(name);
  pods = createPodRuntime({
    root,
    state,
    bootId: bootId(),
    host,
    log,
    keeper,
    cgroups,
    cgroupDriver,
    sampler,
    images,
    network,
    handlers,
    writableLayers: new WritableLayers(filesystems.containers),
    volumes: {
      roots: { docker: config.dockerRoots, kubelet: config.kubeletRoots },
      policyOf: volumePolicies(config.volumePolicies, handlers),
    },
    volumeUsage: new VolumeUsage(),
    podObjects,
    cdiSpecDirs: config.cdiSpecDirs,
  });
  await pods.open();
  // Last: what the containers stand on must be known before layers that no image has are swept.
  await images.open();
  const keeperPid = () => (keeper.connected ? keeper.pid : undefined);
  return {
    pods,
    images,
    keeperPid,
    destroyNetwork: () => network.destroy(),
    retire: () => keeper.retire(),
    close: () => closeAll(pods, images),
  };
}

async function discover({ root, ociRuntime }: Config, log: Log) {
  const [host, runtimes, filesystems] = await Promise.all([
    discoverHostFacts(),
    discoverRuntimes({
      ...(ociRuntime === '' ? {} : { preferred: ociRuntime }),
      stateDir: path.join(root, 'probe'),
      log,
    }),
    filesystemNames(root),
  ]);
  if (host.oomScoreAdjFloor > -1000) {
    log.info({ floor: host.oomScoreAdjFloor }, 'oom_score_adj cannot be lowered here: requests below are clamped');
  }
  return { host, runtimes, filesystems };
}

async function guestVolumesOf(
  { root, kubeletRoots, volumePolicies: { gvisor } }: Config,
  podObjects: PodObjects | undefined,
): Promise<GvisorBackendParts['volumes']> {
  const { copyMaxBytes, copyMaxFiles } = { ...COPY_LIMITS, ...gvisor };
  return {
    podRoots: [...kubeletRoots.map((directory) => path.join(directory, 'pods')), localPodsRoot(root)],
    copyLimits: { bytes: copyMaxBytes, entries: copyMaxFiles },
    busybox: await findBusybox(),
    declaredSize: async ({ config }, name) => {
      return (await podObjects?.volume(config.metadata, name))?.emptyDir?.sizeLimitBytes;
    },
  };
}

async function closeAll(pods: PodRuntime, images: ImageStore): Promise<void> {
  await pods.close();
  await images.close();
}

/** Throws FAILED_PRECONDITION for the systemd driver on a host where systemd is not in charge (sd_booted(3)). */
async function cgroupsOf({ cgroupDriver }: Config): Promise<Cgroups> {
  const cgroups = await createCgroups();
  if (cgroupDriver === 'cgroupfs') return cgroups;
  if (await fs.stat('/run/systemd/system').catch(() => undefined)) return withSystemd(cgroups);
  throw new CribError('FAILED_PRECONDITION', 'cgroup_driver is systemd, but systemd does not run this host');
}

/** `host` runs on whichever runtime works; each runtime is a handler of its own name too. */
function handlersOf(found: readonly OciRuntime[], parts: Omit<HostBackendParts, 'runtime'>): Handler[] {
  // Of several of one name the first that works has it: they would share a state directory.
  const chosen = found.filter((one) => one === (found.find((other) => other.name === one.name && other.works) ?? one));
  const unique = chosen.filter((one, index) => chosen.findIndex(({ name }) => name === one.name) === index);
  const runtimes = unique.map((runtime) => runtime.with(parts.cgroupDriver.runtimeOptions));
  const first = runtimes.find((runtime) => runtime.works);
  const named = runtimes.map((runtime) => ({
    name: runtime.name,
    backend: runtime.works ? new HostBackend({ ...parts, runtime }) : undefined,
    detail: runtime.works ? `${runtime.path} ${runtime.version}` : runtime.reason,
  }));
  if (first === undefined) return [{ name: 'host', backend: undefined, detail: whyNone(runtimes) }, ...named];
  const backend = named.find(({ name }) => name === first.name)?.backend;
  return [{ name: 'host', backend, detail: `${first.path} ${first.version}`, runtime: first.name }, ...named];
}

/** Takes away what is left of pods whose OCI runtime was removed. */
function hostLeftovers(name: string, parts: Omit<HostBackendParts, 'runtime'>): HostBackend {
  const reason = `${name} is not installed here any more`;
  const runtime = new OciRuntime({ name, path: name, version: '', works: false, reason, features: NO_FEATURES });
  return new HostBackend({ ...parts, runtime: runtime.with(parts.cgroupDriver.runtimeOptions) });
}

function whyNone(runtimes: readonly OciRuntime[]): string {
  if (runtimes.length === 0) return 'neither crun nor runc is installed; install the package crun';
  return runtimes.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
}

/** The thread that asks the cluster starts with the first question. */
function podObjectsOf({ kubeconfig }: Config, bundles: string, log: Log): PodObjects | undefined {
  if (kubeconfig === '') return undefined;
  return new PodObjects(new PodThread(path.join(bundles, 'pod-worker.js'), kubeconfig), log);
}

function layersInUse(pods: PodRuntime | undefined): ReadonlySet<string> {
  return pods?.layersInUse() ?? new Set();
}

/** The bundles of the keeper and the unpacker lie beside the one that runs now (test/build.sh). */
function ownDirectory(): string {
  return path.dirname(fileURLToPath(import.meta.url));
}

function dockerConfigPaths(): string[] {
  const own = process.env.DOCKER_CONFIG;
  return [
    ...(own === undefined ? [] : [path.join(own, 'config.json')]),
    '/root/.docker/config.json',
    '/var/lib/kubelet/config.json',
  ];
}
