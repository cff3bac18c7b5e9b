/** In the guest, which has just booted: `crib doctor`, in full for the record; its exit code is what passes or fails. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { configure } from './service-node.js';

await configure();
const { status } = spawnSync(join('cri', 'cli', 'crib'), ['doctor'], { stdio: 'inherit' });
console.log(status === 0 ? '1 passed, 0 failed, 0 skipped' : '0 passed, 1 failed, 0 skipped');
process.exitCode = status ?? 1;
