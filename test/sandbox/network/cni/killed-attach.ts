/** A process for network.test.ts: attaches a pod, to be killed meanwhile. */

import { createNetwork } from '../../../../sandbox/network/index.js';
import { BIN_DIRS, request, SIGNAL, silent, tcpPort } from '../support.js';

const [root = '', confDir = '', netns = ''] = process.argv.slice(2);
const network = createNetwork({ mode: 'cni', root, confDir, binDirs: BIN_DIRS, log: silent });
await network.open();
process.send?.('attaching');
await network.attach(request('killed', netns, { portMappings: [tcpPort(29_182, 80)] }), SIGNAL);
setInterval(() => undefined, 1000);
