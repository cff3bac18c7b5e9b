/** Pods as a kubelet reads them from its manifest directory, and their status as it shows it. */

/** A container of a manifest (Kubernetes API v1); only what the checks set is named. */
export interface Container {
  readonly name?: string;
  readonly image?: string;
  /** For `sh -c`. */
  readonly script?: string;
  readonly [field: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly [field: string]: unknown;
}

export interface Manifest {
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly spec: PodSpec;
}

/** Containers without a name are `main`, those without an image have `image`. Grace is short: checks wait for the end. */
export function manifest(name: string, image: string, spec: PodSpec, metadata: object = {}): Manifest {
  const complete = (container: Container): Container => {
    const { script, ...rest } = container;
    const command = script === undefined ? {} : { command: ['sh', '-c', script] };
    return { name: 'main', image, imagePullPolicy: 'IfNotPresent', ...command, ...rest };
  };
  const { containers, initContainers, ...rest } = spec;
  return {
    metadata: { name, ...metadata },
    spec: {
      terminationGracePeriodSeconds: 2,
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(complete) }),
      containers: containers.map(complete),
      ...rest,
    },
  };
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: {
    readonly exitCode: number;
    readonly reason?: string;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
  readonly ready: boolean;
  readonly started?: boolean;
  readonly restartCount: number;
  readonly containerID?: string;
  readonly imageID?: string;
}

export interface Pod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly status: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly hostIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

/** The status of a container, of an init container too. */
export function containerOf(pod: Pod, name = 'main'): ContainerStatus | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  return [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name);
}

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

/** Without the `containerd://` that stands before it: the runtime's name. */
export function containerId(pod: Pod, name = 'main'): string {
  return containerOf(pod, name)?.containerID?.replace(/^.*:\/\//, '') ?? '';
}
