/** Scripts in the root container of a gVisor pod: as its root, which nothing else there is. */

import type { ContainerTarget, OciRuntime } from '../../runtime/oci/oci-runtime.js';
import type { PodRecord } from '../pod-record.js';
import { BUSYBOX } from './swap-script.js';
import type { SandboxShell } from './watched-copies.js';

const TIMEOUT_MS = 20_000;
/** To give files any owner and mode. They are within the sandbox. */
const CAPABILITIES = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID'];

/** Throws as runRuntime does, with what the script wrote to its stderr. */
export function rootShell(runtime: OciRuntime, targetOf: (pod: PodRecord) => ContainerTarget): SandboxShell {
  return (pod, script, input) => {
    // Its last word stands in error messages: not the script.
    const command = [BUSYBOX, 'sh', '-c', script, 'copies'];
    return runtime.run(runtime.execAsArgv(targetOf(pod), 0, CAPABILITIES, command), TIMEOUT_MS, input);
  };
}
