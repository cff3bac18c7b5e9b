/**
 * The part of a Kubernetes Pod (core/v1) that `crib run` understands. A field it does not know is an error that names
 * it: silently running something else than what was written is worse.
 */

import { CribError } from '../../runtime/errors.js';
import { Reader } from './manifest-reader.js';
import { parseCpu, parseQuantity } from './quantity.js';

export interface PodManifest {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runtimeClassName: string;
  readonly hostname: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly shareProcessNamespace: boolean;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  readonly terminationGraceSeconds: number;
  readonly fsGroup: number | undefined;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly volumes: readonly VolumeManifest[];
  readonly initContainers: readonly ContainerManifest[];
  readonly containers: readonly ContainerManifest[];
}

export type VolumeManifest =
  | {
      readonly kind: 'emptyDir';
      readonly name: string;
      readonly memory: boolean;
      readonly sizeLimit: number | undefined;
    }
  | { readonly kind: 'hostPath'; readonly name: string; readonly path: string }
  | { readonly kind: 'literals'; readonly name: string; readonly files: Readonly<Record<string, string>> };

export interface ContainerManifest {
  readonly name: string;
  readonly image: string;
  readonly alwaysPull: boolean;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly env: readonly { readonly key: string; readonly value: string }[];
  readonly ports: readonly PortManifest[];
  readonly mounts: readonly MountManifest[];
  /** Millicores and bytes; 0: none. */
  readonly cpuRequest: number;
  readonly cpuLimit: number;
  readonly memoryLimit: number;
  readonly runAsUser: number | undefined;
  readonly runAsGroup: number | undefined;
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly allowPrivilegeEscalation: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
}

export interface PortManifest {
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

export interface MountManifest {
  readonly volume: string;
  readonly path: string;
  readonly subPath: string;
  readonly readOnly: boolean;
}

/** Reads one Pod object, as a YAML parser gives it. Throws INVALID_ARGUMENT naming the field. */
export function readManifest(document: unknown): PodManifest {
  const root = new Reader(document, 'manifest');
  root.allow(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
  if (root.text('apiVersion') !== 'v1' || root.text('kind') !== 'Pod') {
    throw new CribError('INVALID_ARGUMENT', 'the manifest must be one object of apiVersion v1 and kind Pod');
  }
  const metadata = root.child('metadata');
  metadata.allow(['name', 'namespace', 'labels', 'annotations', 'uid', 'creationTimestamp']);
  const spec = root.child('spec');
  spec.allow(SPEC_FIELDS);
  const security = spec.child('securityContext');
  security.allow(['fsGroup', 'sysctls', 'runAsUser', 'runAsGroup']);
  const containers = spec.list('containers').map((entry) => readContainer(entry, security));
  if (containers.length === 0) throw new CribError('INVALID_ARGUMENT', 'spec.containers must name at least one');
  const manifest: PodManifest = {
    name: metadata.requiredText('name'),
    namespace: metadata.text('namespace') || 'default',
    labels: metadata.texts('labels'),
    annotations: metadata.texts('annotations'),
    runtimeClassName: spec.text('runtimeClassName'),
    hostname: spec.text('hostname') || metadata.requiredText('name'),
    hostNetwork: spec.flag('hostNetwork'),
    hostPid: spec.flag('hostPID'),
    hostIpc: spec.flag('hostIPC'),
    shareProcessNamespace: spec.flag('shareProcessNamespace'),
    restartPolicy: spec.oneOf('restartPolicy', ['Always', 'OnFailure', 'Never'] as const),
    terminationGraceSeconds: spec.integer('terminationGracePeriodSeconds') ?? 30,
    fsGroup: security.integer('fsGroup'),
    sysctls: Object.fromEntries(
      security.list('sysctls').map((entry) => [entry.requiredText('name'), entry.requiredText('value')]),
    ),
    volumes: spec.list('volumes').map(readVolume),
    initContainers: spec.list('initContainers').map((entry) => readContainer(entry, security)),
    containers,
  };
  checkReferences(manifest);
  return manifest;
}

const SPEC_FIELDS = [
  'containers',
  'initContainers',
  'volumes',
  'restartPolicy',
  'terminationGracePeriodSeconds',
  'runtimeClassName',
  'hostname',
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'shareProcessNamespace',
  'securityContext',
  'nodeName',
  'automountServiceAccountToken',
  'enableServiceLinks',
];

function readVolume(volume: Reader): VolumeManifest {
  const name = volume.label('name');
  volume.allow(['name', 'emptyDir', 'hostPath', 'configMap', 'secret']);
  if (volume.has('emptyDir')) {
    const emptyDir = volume.child('emptyDir');
    emptyDir.allow(['medium', 'sizeLimit']);
    const limit = emptyDir.scalar('sizeLimit');
    return {
      kind: 'emptyDir',
      name,
      memory: emptyDir.oneOf('medium', ['', 'Memory'] as const) === 'Memory',
      sizeLimit: limit === undefined ? undefined : parseQuantity(limit, `${emptyDir.path}.sizeLimit`),
    };
  }
  if (volume.has('hostPath')) {
    const hostPath = volume.child('hostPath');
    hostPath.allow(['path', 'type']);
    return { kind: 'hostPath', name, path: hostPath.requiredText('path') };
  }
  for (const key of ['configMap', 'secret']) {
    if (!volume.has(key)) continue;
    const source = volume.child(key);
    source.allow(['data', 'stringData']);
    return { kind: 'literals', name, files: { ...source.texts('data'), ...source.texts('stringData') } };
  }
  throw new CribError('INVALID_ARGUMENT', `${volume.path} must be an emptyDir, hostPath, configMap or secret`);
}

const CONTAINER_FIELDS = [
  'name',
  'image',
  'imagePullPolicy',
  'command',
  'args',
  'workingDir',
  'env',
  'ports',
  'volumeMounts',
  'resources',
  'securityContext',
];

function readContainer(entry: Reader, podSecurity: Reader): ContainerManifest {
  entry.allow(CONTAINER_FIELDS);
  const resources = entry.child('resources');
  resources.allow(['limits', 'requests']);
  const limits = resources.child('limits');
  const requests = resources.child('requests');
  limits.allow(['cpu', 'memory']);
  requests.allow(['cpu', 'memory', 'ephemeral-storage']);
  const security = entry.child('securityContext');
  security.allow(SECURITY_FIELDS);
  const capabilities = security.child('capabilities');
  const cpu = (from: Reader) => parseCpu(from.scalar('cpu') ?? '0', `${from.path}.cpu`);
  return {
    name: entry.label('name'),
    image: entry.requiredText('image'),
    alwaysPull: entry.text('imagePullPolicy') === 'Always',
    command: entry.textList('command'),
    args: entry.textList('args'),
    workingDir: entry.text('workingDir'),
    env: entry.list('env').map(readEnv),
    ports: entry.list('ports').map(readPort),
    mounts: entry.list('volumeMounts').map(readMount),
    cpuRequest: cpu(requests),
    cpuLimit: cpu(limits),
    memoryLimit: parseQuantity(limits.scalar('memory') ?? '0', `${limits.path}.memory`),
    runAsUser: security.integer('runAsUser') ?? podSecurity.integer('runAsUser'),
    runAsGroup: security.integer('runAsGroup') ?? podSecurity.integer('runAsGroup'),
    privileged: security.flag('privileged'),
    readOnlyRootFilesystem: security.flag('readOnlyRootFilesystem'),
    allowPrivilegeEscalation: security.flag('allowPrivilegeEscalation', true),
    addCapabilities: capabilities.textList('add'),
    dropCapabilities: capabilities.textList('drop'),
  };
}

const SECURITY_FIELDS = [
  'runAsUser',
  'runAsGroup',
  'privileged',
  'readOnlyRootFilesystem',
  'allowPrivilegeEscalation',
  'capabilities',
];

function readEnv(entry: Reader): { key: string; value: string } {
  entry.allow(['name', 'value']);
  return { key: entry.requiredText('name'), value: entry.text('value') };
}

function readPort(entry: Reader): PortManifest {
  entry.allow(['name', 'containerPort', 'hostPort', 'hostIP', 'protocol']);
  return {
    containerPort: entry.integer('containerPort') ?? 0,
    hostPort: entry.integer('hostPort') ?? 0,
    hostIp: entry.text('hostIP'),
    protocol: entry.oneOf('protocol', ['TCP', 'UDP', 'SCTP'] as const),
  };
}

function readMount(entry: Reader): MountManifest {
  entry.allow(['name', 'mountPath', 'subPath', 'readOnly']);
  return {
    volume: entry.requiredText('name'),
    path: entry.requiredText('mountPath'),
    subPath: entry.text('subPath'),
    readOnly: entry.flag('readOnly'),
  };
}

function checkReferences(manifest: PodManifest): void {
  const volumes = new Set<string>();
  for (const { name } of manifest.volumes) {
    if (volumes.has(name)) throw new CribError('INVALID_ARGUMENT', `two volumes are named ${name}`);
    volumes.add(name);
  }
  const names = new Set<string>();
  for (const container of [...manifest.initContainers, ...manifest.containers]) {
    if (names.has(container.name))
      throw new CribError('INVALID_ARGUMENT', `two containers are named ${container.name}`);
    names.add(container.name);
    for (const mount of container.mounts) {
      if (volumes.has(mount.volume)) continue;
      throw new CribError(
        'INVALID_ARGUMENT',
        `container ${container.name} mounts ${mount.volume}, which spec.volumes lacks`,
      );
    }
  }
}
