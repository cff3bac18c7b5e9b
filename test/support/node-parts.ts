/** The parts of a node whose keeper is a test's own, for faults that a real one cannot be made to have. */

import path from 'node:path';
import { CGROUPFS } from '../../runtime/cgroups/driver.js';
import type { Keeper } from '../../runtime/keeper/protocol.js';
import type { Log } from '../../runtime/log.js';
import { Handlers } from '../../sandbox/handlers.js';
import type { NodeParts } from '../../sandbox/node.js';
import { HOST } from '../volumes/fixture.js';

/** Pods are alive, networks there, nothing ran out of memory; what no test calls is missing and would throw. */
export function fakeParts(root: string, log: Log, keeper: Partial<Keeper>): NodeParts {
  const { capabilities, policy, roots } = HOST;
  const gone = () => undefined;
  const none = async () => undefined;
  const backend = {
    alive: async () => true,
    takeUp: none,
    close: gone,
    checkPod: gone,
    clear: none,
    endLeftCommands: none,
    beforeDetach: none,
    release: none,
    sweep: none,
    capabilities,
  };
  const handler = { name: 'host', backend, detail: '' };
  const parts = {
    root,
    state: path.join(root, 'state'),
    bootId: 'boot',
    log,
    keeper,
    cgroupDriver: CGROUPFS,
    volumes: { roots, policyOf: () => policy },
    cgroups: { version: 1, oomKills: async () => 0, requireThawed: gone },
    network: { attached: () => [], addressesOf: () => [], readiness: () => ({ ready: true, reason: '', message: '' }) },
    handlers: new Handlers([handler] as unknown as ConstructorParameters<typeof Handlers>[0], 'host'),
  };
  return parts as unknown as NodeParts;
}
