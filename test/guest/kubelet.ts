/**
 * In the guest: the checks of `npm run test:kubelet` on the machine itself, not in a box: its systemd makes the cgroups.
 * Gives the machine the address that a node has first.
 */

import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { kubeletTool } from '../cluster/tools.js';
import { command } from '../support/command.js';

/** As test/cluster/box.sh: the node's address, and the way out that a kubelet looks for. */
const NETWORK = [
  'link add eth0 type veth peer name uplink',
  'address add 192.0.2.10/24 dev eth0',
  'link set eth0 up',
  'link set uplink up',
  'route add default via 192.0.2.1',
];

const there = await command('ip', ['link', 'show', 'eth0']).then(
  () => true,
  () => false,
);
if (!there) for (const line of NETWORK) await command('ip', line.split(' '));
await mkdir('/var/lib/kubelet', { recursive: true });
const dir = await mkdtemp('/var/tmp/crib-kubelet-');
await chmod(dir, 0o711); // for pods in user namespaces
process.argv.push('--kubelet', await kubeletTool(), '--dir', dir);
await import('../cluster/main.js');
