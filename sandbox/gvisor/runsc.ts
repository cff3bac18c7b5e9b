/** runsc's command line, where it is not that of every OCI runtime (runtime/oci/oci-runtime.ts). */

import type { KeptWatch } from '../../runtime/keeper/protocol.js';
import type { ContainerTarget, OciRuntime } from '../../runtime/oci/oci-runtime.js';
import { runtimeEnvironment } from '../kept/create-kept.js';

/**
 * Flags of every sandbox. Raw sockets are netstack's own and reach no further than the pod's interface, so whether a
 * container may have them is left to its capabilities, as on every other handler; the same for seccomp.
 */
export const SANDBOX_FLAGS: readonly string[] = ['--network=sandbox', '--net-raw=true', '--oci-seccomp=true'];

/** Kills a command that was run in the container, by its pid there. */
export function innerKillOf(runtime: OciRuntime, target: ContainerTarget): string[] {
  const kill = runtime.killArgv(target, 'KILL');
  return [...kill.slice(0, -2), '--pid', '{pid}', ...kill.slice(-2)];
}

/** Waits for a container; asked again, it tells again, for the sentry remembers. */
export function watchOf(runtime: OciRuntime, target: ContainerTarget): KeptWatch {
  const kill = runtime.killArgv(target, 'KILL');
  return {
    waitArgv: runtime.waitArgv(target),
    signalArgv: runtime.killArgv(target, '{signal}'),
    killArgv: [...kill.slice(0, -2), '--all', ...kill.slice(-2)],
    env: runtimeEnvironment(),
  };
}
