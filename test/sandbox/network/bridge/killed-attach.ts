/** A process for network.test.ts: attaches and detaches until it is killed. */

import { createNetwork } from '../../../../sandbox/network/index.js';
import { request, SIGNAL, silent, tcpPort } from '../support.js';

const [root = '', name = '', subnet = '', netns = ''] = process.argv.slice(2);
const bridge = { name, subnets: [subnet] };
const network = createNetwork({ mode: 'bridge', root, confDir: root, binDirs: [], bridge, log: silent });
await network.open();
process.send?.('attaching');
for (;;) {
  await network.attach(request('killed', netns, { portMappings: [tcpPort(29_183, 80)] }), SIGNAL);
  await network.detach('killed', SIGNAL);
  await network.detach('killed', SIGNAL);
}
