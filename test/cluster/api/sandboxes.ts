/** Where a pod of the checks can run. */

import { runscMissing } from '../../support/runsc.js';
import { NotHere } from '../check.js';

/** Rejects with the reason where there is no gVisor. */
export async function requireGvisor(): Promise<void> {
  const missing = await runscMissing();
  if (missing !== false) throw new NotHere(missing);
}

/** `spec` is what a pod says to be in it, `suffix` is for names. */
export interface Sandbox {
  readonly title: string;
  readonly suffix: string;
  readonly spec: { readonly runtimeClassName?: string };
  isHere(): Promise<void>;
}

/** Those of which most must be true. */
export const SANDBOXES: readonly Sandbox[] = [
  { title: 'host', suffix: 'host', spec: {}, isHere: async () => {} },
  { title: 'gVisor', suffix: 'gvisor', spec: { runtimeClassName: 'crib-gvisor' }, isHere: requireGvisor },
];
