/** Tests that need a systemd that runs this machine (sd_booted(3)). */

import { existsSync } from 'node:fs';

/** For `skip`: false where it does. */
export const NO_SYSTEMD = existsSync('/run/systemd/system') ? false : 'systemd does not run this machine';
