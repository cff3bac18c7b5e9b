/**
 * What each pod of the churn is: two containers that share a volume. The worker writes lines and ends by itself; the
 * service writes lines and waits until it is stopped. What both do is known beforehand, line by line.
 */

import { NamespaceMode } from '../../cri/api/generated/common.js';
import type { ContainerConfig } from '../../cri/api/generated/container.js';
import { type PodSandboxConfig, Protocol } from '../../cri/api/generated/pod.js';
import type { DeepPartial } from '../../cri/api/wire.js';
import type { Random } from './random.js';

export const CONTAINERS = ['worker', 'service'] as const;
export type ContainerName = (typeof CONTAINERS)[number];
const SHARED = '/shared';
const HTTP_PORT = 8080;
/** The service ends with it when it is asked to. */
const OBEDIENT_EXIT = 3;

export interface PodPlan {
  readonly name: string;
  readonly sharedPid: boolean;
  /** undefined: the pod publishes none. */
  readonly hostPort: number | undefined;
  readonly tty: boolean;
  readonly workerEnd: { readonly kind: 'exit'; readonly code: number } | { readonly kind: 'oom' };
  /** Lines of each container on stdout; every fourth of the worker's is on stderr too. */
  readonly lines: number;
  /** Deaf to its stop signal: it has to be killed. */
  readonly deaf: boolean;
  /** What ends the service. */
  readonly endedBy: 'StopContainer' | 'StopPodSandbox' | 'RemovePodSandbox';
}

export function planPod(index: number, phase: string, random: Random): PodPlan {
  const endedBy = random.oneOf('StopContainer', 'StopContainer', 'StopPodSandbox', 'RemovePodSandbox');
  const tty = random.between(1, 5) === 1;
  const oom = !tty && random.between(1, 8) === 1;
  return {
    name: `${phase}-${index}`,
    sharedPid: index % 2 === 1,
    hostPort: random.between(1, 4) === 1 ? 20_000 + (index % 10_000) : undefined,
    tty,
    workerEnd: oom ? { kind: 'oom' } : { kind: 'exit', code: random.oneOf(0, random.between(1, 200)) },
    lines: random.between(20, 400),
    deaf: endedBy === 'StopContainer' && random.between(1, 4) === 1,
    endedBy,
  };
}

export function podRequest(plan: PodPlan, logDirectory: string): DeepPartial<PodSandboxConfig> {
  const { name, hostPort } = plan;
  const mapping = { protocol: Protocol.TCP, containerPort: HTTP_PORT, hostPort: hostPort ?? 0, hostIp: '127.0.0.1' };
  return {
    metadata: { name, uid: `uid-${name}`, namespace: 'churn', attempt: 0 },
    hostname: name,
    logDirectory,
    labels: { app: 'churn' },
    portMappings: hostPort === undefined ? [] : [mapping],
    linux: { securityContext: { namespaceOptions: namespaces(plan) } },
  };
}

/** `marker` is the last argument of the command: what is left of it can be told from other processes by that. */
export function containerRequest(
  plan: PodPlan,
  name: ContainerName,
  attempt: number,
  at: { readonly image: string; readonly volume: string; readonly marker: string },
): DeepPartial<ContainerConfig> {
  const memory = plan.workerEnd.kind === 'oom' && name === 'worker' ? 16n << 20n : 0n;
  return {
    metadata: { name, attempt },
    image: { image: at.image },
    command: ['sh', '-c', name === 'worker' ? workerScript(plan) : serviceScript(plan), at.marker],
    mounts: [{ containerPath: SHARED, hostPath: at.volume }],
    labels: { app: 'churn' },
    logPath: `${name}.${attempt}.log`,
    tty: plan.tty && name === 'worker',
    linux: {
      resources: { memoryLimitInBytes: memory, memorySwapLimitInBytes: memory, oomScoreAdj: 1000n },
      securityContext: { namespaceOptions: namespaces(plan) },
    },
  };
}

function namespaces({ sharedPid }: PodPlan) {
  const pid = sharedPid ? NamespaceMode.POD : NamespaceMode.CONTAINER;
  return { network: NamespaceMode.POD, ipc: NamespaceMode.POD, pid };
}

function workerScript({ name, lines, tty, workerEnd }: PodPlan): string {
  const error = tty ? '' : '[ $((i % 4)) = 0 ] && echo "err $i" >&2;';
  const end = workerEnd.kind === 'exit' ? `exit ${workerEnd.code}` : 'x=a; while :; do x=$x$x; done';
  return `i=1
while [ $i -le ${lines} ]; do
  echo "out $i"; ${error} [ $((i % 50)) = 0 ] && sleep 0.05
  i=$((i + 1))
done
echo ${name} >${SHARED}/new && mv ${SHARED}/new ${SHARED}/from-worker
${end}`;
}

/** A second TERM while it says goodbye (the client asks again after a crash) does not make it say that twice. */
function serviceScript({ lines, hostPort, deaf }: PodPlan): string {
  const onTerm = deaf ? `trap '' TERM` : `trap 'trap "" TERM; echo bye; exit ${OBEDIENT_EXIT}' TERM`;
  return `${onTerm}
i=1
while [ $i -le ${lines} ]; do echo "out $i"; i=$((i + 1)); done
${hostPort === undefined ? '' : `httpd -p ${HTTP_PORT} -h ${SHARED}`}
echo up >${SHARED}/service-up
while :; do sleep 1 & wait $!; done`;
}

/** The lines that a container must have written once it has ended. */
export function expectedLines(plan: PodPlan, name: ContainerName): { stdout: string[]; stderr: string[] } {
  const numbers = Array.from({ length: plan.lines }, (_, index) => index + 1);
  const stdout = numbers.map((number) => `out ${number}`);
  const fourth = name === 'worker' && !plan.tty ? numbers.filter((number) => number % 4 === 0) : [];
  if (name === 'service' && saysBye(plan)) stdout.push('bye');
  return { stdout, stderr: fourth.map((number) => `err ${number}`) };
}

function saysBye({ deaf, endedBy }: PodPlan): boolean {
  return endedBy === 'StopContainer' && !deaf;
}

/** Exit code and reason that ContainerStatus must have. */
export function expectedEnd(plan: PodPlan, name: ContainerName): { exitCode: number; reason: string } {
  if (name === 'service') return { exitCode: saysBye(plan) ? OBEDIENT_EXIT : 137, reason: 'Error' };
  if (plan.workerEnd.kind === 'oom') return { exitCode: 137, reason: 'OOMKilled' };
  const { code } = plan.workerEnd;
  return { exitCode: code, reason: code === 0 ? 'Completed' : 'Error' };
}
