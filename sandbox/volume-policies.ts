/** The volume policy of each handler: what its sandbox does by itself, with what the configuration says laid over it. */

import { CribError } from '../runtime/errors.js';
import { checkPolicy, defaultPolicy } from '../volumes/policy.js';
import type { SandboxCapabilities, VolumePolicy } from '../volumes/types.js';
import type { Handlers } from './handlers.js';

export type PolicyOf = (handler: string, capabilities: SandboxCapabilities) => VolumePolicy;

/**
 * Throws INVALID_ARGUMENT for a handler that there is not, FAILED_PRECONDITION naming the field for a route that the
 * handler's sandbox does not offer. Of a handler that cannot run here nothing is known, and no pod asks.
 */
export function volumePolicies(
  configured: Readonly<Record<string, Partial<VolumePolicy>>>,
  handlers: Pick<Handlers, 'list' | 'get'>,
): PolicyOf {
  const policyOf: PolicyOf = (handler, capabilities) => ({ ...defaultPolicy(capabilities), ...configured[handler] });
  const known = handlers.list();
  for (const name of Object.keys(configured)) {
    const handler = known.find((candidate) => candidate.name === name);
    if (handler === undefined) {
      const names = known.map((candidate) => candidate.name).join(', ');
      throw new CribError('INVALID_ARGUMENT', `volumes.${name}: there is no handler "${name}"; there are: ${names}`);
    }
    if (!handler.available) continue;
    const { capabilities } = handlers.get(name);
    checkPolicy(policyOf(name, capabilities), capabilities, `volumes.${name}`);
  }
  return policyOf;
}
