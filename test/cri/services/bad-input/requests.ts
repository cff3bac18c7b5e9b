/** A good request for every call, to be spoilt in one place, and the objects of the node that they speak of. */

/** What the tests' node has when the first bad request comes, and must still have after the last. */
export interface Subjects {
  readonly image: string;
  readonly pod: string;
  readonly stoppedPod: string;
  readonly running: string;
  readonly created: string;
}

export type Message = Record<string, unknown>;

export const podRequest = (): Message => ({
  metadata: { name: 'bad', uid: 'bad', namespace: 'test' },
  linux: { securityContext: {} },
});

export const containerRequest = (image: string): Message => ({
  metadata: { name: 'bad' },
  image: { image },
  command: ['sleep', '1000'],
  linux: { resources: {}, securityContext: { namespaceOptions: { pid: 1 } } },
});

/** By the name of the call; a call that is not here has an empty request. */
export function goodRequest(call: string, node: Subjects): Message {
  const container = { containerId: node.running };
  const pod = { podSandboxId: node.pod };
  const requests: Readonly<Record<string, Message>> = {
    RunPodSandbox: { config: podRequest() },
    StopPodSandbox: { podSandboxId: node.stoppedPod },
    RemovePodSandbox: pod,
    PodSandboxStatus: pod,
    PodSandboxStats: pod,
    UpdatePodSandboxResources: pod,
    PortForward: { ...pod, port: [80] },
    CreateContainer: { ...pod, config: containerRequest(node.image), sandboxConfig: podRequest() },
    StartContainer: { containerId: node.created },
    StopContainer: container,
    RemoveContainer: container,
    ContainerStatus: container,
    ContainerStats: container,
    UpdateContainerResources: { ...container, linux: {} },
    ReopenContainerLog: container,
    ExecSync: { ...container, cmd: ['true'] },
    Exec: { ...container, cmd: ['true'], stdout: true },
    Attach: { ...container, stdout: true },
    CheckpointContainer: { ...container, location: '/tmp/never-written.tar' },
    ImageStatus: { image: { image: node.image } },
    PullImage: { image: { image: node.image } },
    RemoveImage: { image: { image: 'localhost/none' } },
  };
  return requests[call] ?? {};
}

/** A message with what it needs to be valid where `field` is to be set; `{}` for one that needs nothing. */
export function sample(message: string, field: string): Message {
  if (message === 'Mount' && field.startsWith('image')) {
    return { containerPath: '/bad', readonly: true, image: { image: 'localhost/none' } };
  }
  const samples: Readonly<Record<string, Message>> = {
    PodSandboxMetadata: { name: 'bad', uid: 'bad', namespace: 'test' },
    PortMapping: { containerPort: 80 },
    HugepageLimit: { pageSize: '2MB' },
    KeyValue: { key: 'k' },
    Mount: { containerPath: '/bad', hostPath: '/tmp' },
    Device: { containerPath: '/dev/bad', hostPath: '/dev/null', permissions: 'rwm' },
    CDIDevice: { name: 'vendor.example/class=device' },
    ImageSpec: { image: 'localhost/none' },
    SecurityProfile: { profileType: 2, localhostRef: '/nowhere' },
  };
  return samples[message] ?? {};
}
