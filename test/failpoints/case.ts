/** One way to disturb a node: a failpoint, and for those in an undo the failure that makes it happen. */

import type { StepName } from '../../runtime/step-names.js';
import { STEPS } from '../../runtime/step-names.js';

export const ACTIONS = ['error', 'hang', 'kill'] as const;
export const POSITIONS = ['before', 'after'] as const;

export interface Case {
  readonly name: StepName;
  readonly position: (typeof POSITIONS)[number];
  readonly action: (typeof ACTIONS)[number];
  /** The how manieth time that the step gets there. */
  readonly hit: number;
  /** Fails first, so that something is undone. */
  readonly cause: string | undefined;
}

/** What is done to the node: pods on one of its networks, pods in sandboxes of gVisor's, or pulls. */
export const ACTIVITIES = ['bridge', 'cni', 'pull', 'gvisor'] as const;
export type Activity = (typeof ACTIVITIES)[number];

/** Steps of an undo, and what has to fail for it. Those that other operations share are listed only as part of the undo. */
const CAUSES: readonly (readonly [cause: string, undone: RegExp, of: Activity])[] = [
  [
    'run-pod/ready=error@1',
    /^(run-pod\/(undo|forget)|release-pod\/.*|bridge\/(unpublish|disconnect|forget))$/,
    'bridge',
  ],
  ['run-pod/ready=error@1', /^cni\/(delete|forget)$/, 'cni'],
  ['run-pod/ready=error@1', /^(run-pod\/undo|release-pod\/(init|volumes))$/, 'gvisor'],
  ['create-container/record:after=error@1', /^(create-container\/(undo|forget)|release-bundle\/.*)$/, 'bridge'],
  ['start-container/record=error@1', /^start-container\/undo$/, 'bridge'],
  ['keeper/record=error@1', /^keeper\/undo$/, 'bridge'],
  ['pull-image/settle=error@1', /^pull-image\/discard$/, 'pull'],
];

/** Steps that nothing but an undo gets to. */
const ONLY_UNDONE = /^((run-pod|create-container)\/(undo|forget)|(start-container|keeper)\/undo|pull-image\/discard)$/;
const OF_PULLS = /^(pull-image|unpack)\//;
const OF_CNI = /^cni\//;
/** Only sandboxes have volumes inside of themselves, */
const OF_SANDBOXES = /^(finish-pod\/(volumes|copies)|release-pod\/volumes)$/;
/** and these they do in another way than the host's kernel. */
const BY_SANDBOXES =
  /^((finish|release)-pod\/init|start-container\/run|keeper\/(run|end)|stop-container\/kill|remove-container\/clear)$/;
/** The first process that a keeper starts in a pod of the walk is its init or sandbox, the second a container. */
const TWICE = /^keeper\//;

export function casesOf(activity: Activity): Case[] {
  const names = Object.keys(STEPS) as StepName[];
  const plain = names
    .filter((name) => isOf(activity, name) && !ONLY_UNDONE.test(name))
    .flatMap((name) => (TWICE.test(name) ? [1, 2] : [1]).flatMap((hit) => waysOf(name, hit, undefined)));
  const undone = CAUSES.filter(([, , of]) => of === activity).flatMap(([cause, steps]) =>
    names
      .filter((name) => steps.test(name) && (activity === 'gvisor' || !OF_SANDBOXES.test(name)))
      .flatMap((name) => waysOf(name, 1, cause)),
  );
  return [...plain, ...undone];
}

function isOf(activity: Activity, name: StepName): boolean {
  if (OF_SANDBOXES.test(name)) return activity === 'gvisor';
  if (OF_PULLS.test(name)) return activity === 'pull';
  if (OF_CNI.test(name)) return activity === 'cni';
  return activity === 'bridge' || (activity === 'gvisor' && BY_SANDBOXES.test(name));
}

function waysOf(name: StepName, hit: number, cause: string | undefined): Case[] {
  return POSITIONS.flatMap((position) => ACTIONS.map((action) => ({ name, position, action, hit, cause })));
}

/** As CRIB_FAILPOINTS wants it. */
export function listOf({ name, position, action, hit, cause }: Case): string {
  const own = `${name}:${position}=${action}@${hit}`;
  return cause === undefined ? own : `${cause},${own}`;
}
