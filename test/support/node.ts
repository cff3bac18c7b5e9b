/** A whole node without its gRPC server, in temporary directories, with an image of busybox from a real registry. */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Config, loadConfig } from '../../cri/cli/config.js';
import { type Assembly, assemble } from '../../cri/cli/node-assembly.js';
import { messageOf } from '../../runtime/errors.js';
import { KeeperClient } from '../../runtime/keeper/client.js';
import { buildImage } from './images.js';
import { busyboxRootfs } from './images-debian.js';
import { pushImage } from './images-push.js';
import { recordingLog } from './log.js';
import { startRegistry } from './registry.js';
import { keepRunsc, seedRunsc } from './runsc.js';

export interface TestNode {
  readonly directory: string;
  readonly root: string;
  readonly state: string;
  /** Reference of the image, pulled already. */
  readonly image: string;
  /** The node as it is now; `restart` replaces it. */
  node(): Assembly;
  /** Lets go of everything and assembles again, as a restart of cribd does; `meanwhile` runs in between. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** Removes every pod, ends the keeper, deletes the directories. */
  stop(): Promise<void>;
}

/** Which of the runtimes that work here is found first would be chance. */
const RUNTIME = process.env.CRIB_TEST_OCI_RUNTIME ?? 'runc';
/** systemd: where it runs the machine. */
const CGROUP_DRIVER = process.env.CRIB_TEST_CGROUP_DRIVER === 'systemd' ? 'systemd' : 'cgroupfs';
const BUNDLES = path.resolve(import.meta.dirname, '../../bundle');

/**
 * `subnet` must be one that no other test uses at the same time; `prepare` may mount something on the directory, and
 * `changes` says what of the configuration is to be another.
 */
export async function startTestNode(
  subnet: string,
  bridge: string,
  prepare: (directory: string) => Promise<void> = async () => {},
  changes: (directory: string) => Partial<Config> | Promise<Partial<Config>> = () => ({}),
): Promise<TestNode> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-node-'));
  await fs.chmod(directory, 0o711); // for pods in user namespaces
  await prepare(directory);
  const root = path.join(directory, 'root');
  const state = path.join(directory, 'state');
  const { log, lines } = recordingLog();
  const config = await loadConfig(undefined, {
    root,
    state,
    network: 'bridge',
    bridgeName: bridge,
    bridgeSubnets: [subnet],
    certsDir: path.join(directory, 'certs.d'),
    ociRuntime: RUNTIME,
    cgroupDriver: CGROUP_DRIVER,
    cdiSpecDirs: cdiDirectories(directory),
    ...(await changes(directory)),
  });
  await seedRunsc(root);
  const open = () => assemble(config, log, BUNDLES);
  const registry = await startRegistry();
  let node = await open();
  try {
    const handler = node.pods.handlers().find(({ name }) => name === RUNTIME);
    if (handler?.available !== true) throw new Error(`${RUNTIME} does not work here: ${handler?.detail}`);
    const image = await pushBusybox(registry.address);
    await node.images.pull(image, {});
    return {
      directory,
      root,
      state,
      image,
      node: () => node,
      restart: async (meanwhile = async () => {}) => {
        await node.close();
        await meanwhile();
        node = await open();
      },
      stop: async () => {
        for (const pod of node.pods.listPods({})) await node.pods.removePod(pod.id);
        await node.destroyNetwork();
        await keepRunsc(root);
        await node.close();
        await endKeeper(state);
        await registry.stop();
        await fs.rm(directory, { recursive: true, force: true }).catch(() => undefined);
        const errors = lines.filter((line) => line.level === 'error');
        if (errors.length > 0) throw new Error(`errors were logged: ${JSON.stringify(errors)}`);
      },
    };
  } catch (error) {
    await node.close();
    await endKeeper(state);
    await registry.stop();
    throw error;
  }
}

/** Where a test node looks for CDI specifications: the least important directory first. */
export function cdiDirectories(directory: string): string[] {
  return ['etc', 'run'].map((name) => path.join(directory, 'cdi', name));
}

async function endKeeper(state: string): Promise<void> {
  const keeper = new KeeperClient({ state, keeperPath: path.join(BUNDLES, 'keeper.js'), log: recordingLog().log });
  await keeper.connect();
  await keeper.shutdown().catch((error: unknown) => process.stderr.write(`keeper: ${messageOf(error)}\n`));
  keeper.disconnect();
}

async function pushBusybox(address: string): Promise<string> {
  const image = await buildImage({ files: await busyboxRootfs(), config: { Cmd: ['sh'], Env: ['FROM_IMAGE=yes'] } });
  await pushImage(address, 'busybox', 'latest', image);
  return `${address}/busybox:latest`;
}
