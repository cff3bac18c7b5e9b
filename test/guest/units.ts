/**
 * In the guest: crib and its keeper as the units of manifests/, with a cgroup driver and a descriptor store that a real
 * systemd is the other side of. Each check goes on from where the one before it has left the node.
 */

import { printReport, tellOutcome } from './outcomes.js';
import { ServiceNode } from './service-node.js';
import { UNIT_CHECKS } from './unit-checks.js';

const node = await ServiceNode.start();
const outcomes = [];
for (const { name, run } of UNIT_CHECKS) {
  const began = performance.now();
  const detail = await run(node).then(
    () => '',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const outcome = { name, detail, seconds: (performance.now() - began) / 1000 };
  outcomes.push(outcome);
  tellOutcome(outcome);
}
await node.stop();
process.exit(printReport(outcomes) === 0 ? 0 : 1);
