/** `crib inspect`: everything about a pod, a container or an image; for people the volumes with kind, route and reason. */

import type { ContainerStatus, Image, PodSandboxStatus } from '../../api/generated/index.js';
import type { CriClient } from '../../client.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { findAnything } from '../lookup.js';
import { humanAge, humanSize, printable, shortId, table, toJson } from '../output.js';
import { parseInfo, podVolumesOf, volumesOf } from '../verbose-info.js';
import { containerVolumeTable, podVolumeTable } from '../volume-table.js';
import { containerStateWord, podStateWord } from '../words.js';

interface Inspection {
  /** What `--json` prints. */
  readonly whole: unknown;
  readonly text: string;
}

export async function inspect(invocation: Invocation, name: string): Promise<void> {
  const { whole, text } = await withDaemon(invocation, async (cri) => {
    const found = await findAnything(cri, name);
    if (found.kind === 'container') return inspectContainer(cri, found.id);
    return found.kind === 'pod' ? inspectPod(cri, found.id) : inspectImage(cri, found.id);
  });
  process.stdout.write(`${invocation.json ? toJson(whole) : text}\n`);
}

async function inspectContainer(cri: CriClient, containerId: string): Promise<Inspection> {
  const response = await cri.runtime.containerStatus({ containerId, verbose: true });
  const info = parseInfo(response.info);
  const volumes = volumesOf(info);
  const text = [
    properties(containerProperties(response.status)),
    ...(volumes.length === 0 ? [] : ['', containerVolumeTable(volumes)]),
  ].join('\n');
  return { whole: { status: response.status, info }, text };
}

function containerProperties(status: ContainerStatus | undefined): Properties {
  if (status === undefined) return [];
  const resources = status.resources?.linux;
  const memory = Number(resources?.memoryLimitInBytes ?? 0n);
  return [
    ['container', status.id],
    ['name', status.metadata?.name],
    ['state', stateWithReason(status)],
    ['created', humanAge(status.createdAt)],
    ['started', humanAge(status.startedAt)],
    ['finished', status.finishedAt === 0n ? '' : humanAge(status.finishedAt)],
    ['image', status.image?.userSpecifiedImage || status.image?.image],
    ['image id', status.imageId],
    ['user', userOf(status)],
    ['cpu', cpuOf(resources?.cpuQuota ?? 0n, resources?.cpuPeriod ?? 0n, resources?.cpuShares ?? 0n)],
    ['memory', memory > 0 ? `at most ${humanSize(memory)}` : ''],
    ['log', status.logPath],
  ];
}

function stateWithReason({ state, exitCode, reason, message, finishedAt }: ContainerStatus): string {
  const word = containerStateWord(state);
  if (finishedAt === 0n) return word;
  return `${word}, exit code ${exitCode}${reason === '' ? '' : `, ${reason}`}${message === '' ? '' : `: ${message}`}`;
}

function userOf(status: ContainerStatus): string {
  const user = status.user?.linux;
  if (user === undefined) return '';
  const groups = user.supplementalGroups.length === 0 ? '' : `, groups ${user.supplementalGroups.join(' ')}`;
  return `${user.uid}:${user.gid}${groups}`;
}

function cpuOf(quota: bigint, period: bigint, shares: bigint): string {
  const limit = quota > 0n && period > 0n ? `at most ${Number(quota) / Number(period)} cores` : '';
  return [limit, shares > 0n ? `${shares} shares` : ''].filter((part) => part !== '').join(', ');
}

async function inspectPod(cri: CriClient, podSandboxId: string): Promise<Inspection> {
  const [response, { containers }] = await Promise.all([
    cri.runtime.podSandboxStatus({ podSandboxId, verbose: true }),
    cri.runtime.listContainers({ filter: { podSandboxId } }),
  ]);
  const rows = containers.map(({ id, metadata, state }) => [
    shortId(id),
    metadata?.name ?? '',
    containerStateWord(state),
  ]);
  const info = parseInfo(response.info);
  const volumes = podVolumesOf(info).map((volume) => ({ volume }));
  const text = [
    properties(podProperties(response.status)),
    ...(rows.length === 0 ? [] : ['', table(['CONTAINER', 'NAME', 'STATE'], rows)]),
    ...(volumes.length === 0 ? [] : ['', podVolumeTable(volumes)]),
  ].join('\n');
  return { whole: { status: response.status, info, containers }, text };
}

function podProperties(status: PodSandboxStatus | undefined): Properties {
  if (status === undefined) return [];
  const ips = [status.network?.ip ?? '', ...(status.network?.additionalIps ?? []).map(({ ip }) => ip)];
  return [
    ['pod', status.id],
    ['name', status.metadata?.name],
    ['namespace', status.metadata?.namespace],
    ['uid', status.metadata?.uid],
    ['state', podStateWord(status.state)],
    ['handler', status.runtimeHandler || '(default)'],
    ['created', humanAge(status.createdAt)],
    ['addresses', ips.filter((ip) => ip !== '').join(', ')],
    ['labels', pairs(status.labels)],
  ];
}

async function inspectImage(cri: CriClient, image: string): Promise<Inspection> {
  const response = await cri.images.imageStatus({ image: { image }, verbose: true });
  const whole = { image: response.image, info: parseInfo(response.info) };
  return { whole, text: properties(imageProperties(response.image)) };
}

function imageProperties(image: Image | undefined): Properties {
  if (image === undefined) return [];
  return [
    ['image', image.id],
    ['tags', image.repoTags.join(', ')],
    ['digests', image.repoDigests.join(', ')],
    ['size', humanSize(Number(image.size))],
    ['user', image.username || String(image.uid?.value ?? '')],
    ['pinned', image.pinned ? 'yes' : ''],
  ];
}

type Properties = readonly (readonly [name: string, value: string | undefined])[];

/** One a line; those without a value are left out. */
function properties(list: Properties): string {
  const there = list.filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...there.map(([name]) => name.length));
  return there.map(([name, value]) => `${name.padEnd(width)}  ${printable(value ?? '')}`).join('\n');
}

function pairs(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}
