/** A cluster of one node: what stands above it, the node, and pods that are made as people make them. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seedRunsc } from '../../support/runsc.js';
import { NODE_NAME } from '../kubelet-config.js';
import { isReady, type Manifest, manifest, type Pod, type PodSpec } from '../manifest.js';
import { ClusterNode, type NodeOptions } from '../node.js';
import { eventually } from '../wait.js';
import { ControlPlane } from './control-plane.js';
import type { Kubectl } from './kubectl.js';

const RUNTIME_CLASSES = 'manifests/runtimeclasses.yaml';

export class ApiCluster {
  readonly node: ClusterNode;
  readonly #plane: ControlPlane;

  private constructor(node: ClusterNode, plane: ControlPlane) {
    this.node = node;
    this.#plane = plane;
  }

  /** Everything is started but the node's crib and kubelet. `tools` holds kube-apiserver and kubectl. */
  static async prepare(options: NodeOptions, tools: string): Promise<ApiCluster> {
    const { dir, logs } = options;
    const plane = await ControlPlane.start({ dir, tools, logs });
    const node = await ClusterNode.prepare({ ...options, kubeconfig: plane.credentials.kubeconfigs.kubelet });
    await seedRunsc(node.cribRoot);
    await plane.kubectl.say(['apply', '--filename', '-'], await readFile(RUNTIME_CLASSES, 'utf8'));
    return new ApiCluster(node, plane);
  }

  /** With an administrator's rights. */
  get kubectl(): Kubectl {
    return this.#plane.kubectl;
  }

  async stop(): Promise<void> {
    await this.node.stop();
    await this.#plane.stop();
  }

  /** Made, bound to the node: there is no scheduler. */
  async apply(name: string, spec: PodSpec, metadata: object = {}): Promise<Manifest> {
    const pod = manifest(name, this.node.images.busybox, { nodeName: NODE_NAME, ...spec }, metadata);
    await this.kubectl.apply({ apiVersion: 'v1', kind: 'Pod', ...pod });
    return pod;
  }

  /** Made, and ready. */
  async started(name: string, spec: PodSpec, metadata: object = {}): Promise<Pod> {
    await this.apply(name, spec, metadata);
    return this.untilPod(name, 'is ready', isReady);
  }

  /** As `ClusterNode.untilPod`, by what the API server knows. */
  async untilPod(name: string, what: string, is: (pod: Pod) => boolean): Promise<Pod> {
    let last: Pod | undefined;
    const found = async () => {
      last = await this.kubectl.get<Pod>('pod', name);
      return last !== undefined && is(last);
    };
    await eventually(`${name}: ${what}`, found, undefined, () => JSON.stringify(last?.status));
    if (last === undefined) throw new Error(`${name}: there is no such pod`);
    return last;
  }

  /** Runs a script in a container by `kubectl exec`; its output without the last line feed. Throws when it fails. */
  sh(name: string, script: string, container = 'main'): Promise<string> {
    return this.kubectl.say(['exec', name, '--container', container, '--', 'sh', '-c', script]);
  }

  /** Deleted, and gone from the API: the kubelet lets it go when nothing of it runs. */
  async remove(name: string): Promise<void> {
    await this.kubectl.say(['delete', 'pod', name, '--wait', '--timeout', '100s']);
  }

  /** Also those of checks that failed; waits for what a kubelet clears away in its own time. */
  async removeAll(): Promise<void> {
    await this.kubectl.say(['delete', 'pods', '--all', '--wait', '--timeout', '100s']);
    await eventually('the runtime has no pod any more', async () => {
      return (await this.node.cri.runtime.listPodSandbox({})).items.length === 0;
    });
    const directories = join(this.node.kubeletRoot, 'pods');
    await eventually('the kubelet has no pod any more', async () => (await readdir(directories)).length === 0);
  }

  /** What was said of an object, as `kubectl describe` shows it. */
  async eventsOf(name: string): Promise<string> {
    return this.kubectl.say(['get', 'events', '--field-selector', `involvedObject.name=${name}`]);
  }
}
