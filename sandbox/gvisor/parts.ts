/** What the gVisor backend is made with. */

import type { CgroupDriver } from '../../runtime/cgroups/driver.js';
import type { CgroupSampler } from '../../runtime/cgroups/sampler.js';
import type { Cgroups } from '../../runtime/cgroups/types.js';
import type { Keeper } from '../../runtime/keeper/protocol.js';
import type { Log } from '../../runtime/log.js';
import type { OciRuntime } from '../../runtime/oci/oci-runtime.js';
import type { GuestVolumesParts } from './guest-volumes.js';

export interface GvisorBackendParts {
  /** Directory of everything that a reboot may drop. */
  readonly state: string;
  readonly keeper: Keeper;
  readonly cgroups: Cgroups;
  readonly cgroupDriver: CgroupDriver;
  readonly sampler: CgroupSampler;
  readonly log: Log;
  /** runsc with the flags of its sandboxes. */
  readonly runtime: OciRuntime;
  /** runsc must be kept from taking the pod's network namespace for the host's (runsc.ts). */
  readonly hideCoreSysctls: boolean;
  readonly volumes: Omit<GuestVolumesParts, 'directoryOf' | 'shell' | 'log'>;
}
