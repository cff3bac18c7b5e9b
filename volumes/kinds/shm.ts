import { BOUND, type Kind } from '../kind.js';

/** Shared memory of the pod. An emptyDir that the user mounts there is an emptyDir: those kinds come first. */
export const shm: Kind = {
  kind: 'shm',
  matches: (facts) => (facts.containerPath === '/dev/shm' ? 'its destination is /dev/shm' : undefined),
  routes: ({ guest }) => [
    guest
      ? { route: 'skipped', reason: 'the sandbox has shared memory of its own, which its containers share' }
      : BOUND,
  ],
};
