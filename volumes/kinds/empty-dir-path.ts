/** The shape of a kubelet's volume directories: `<root>/pods/<uid>/volumes/kubernetes.io~<plugin>/<name>`. */

import type { MountFacts } from '../types.js';

/** Plugin of a volume's own directory; undefined for anything above or below it (a subPath) and other paths. */
export function volumePlugin(realPath: string): string | undefined {
  return /\/volumes\/kubernetes\.io~([a-z0-9-]+)\/[^/]+$/.exec(realPath)?.[1];
}

/** Plugin of the volume that a path is in, at any depth. */
export function enclosingPlugin(realPath: string): string | undefined {
  return /\/volumes\/kubernetes\.io~([a-z0-9-]+)\/[^/]+(?:\/|$)/.exec(realPath)?.[1];
}

/** The root of an emptyDir. A subPath of one is bound like any other path: its siblings must stay out of sight. */
export function isEmptyDir(facts: MountFacts): boolean {
  return facts.type === 'directory' && volumePlugin(facts.realPath) === 'empty-dir';
}
