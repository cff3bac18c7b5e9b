/** runsc's command line, where it is not that of every OCI runtime (runtime/oci/oci-runtime.ts). */

import path from 'node:path';
import type { KeptInnerKill, KeptWatch } from '../../runtime/keeper/protocol.js';
import { RUNTIME_ENVIRONMENT } from '../../runtime/oci/environment.js';
import type { ContainerTarget, OciRuntime } from '../../runtime/oci/oci-runtime.js';

/**
 * Flags of every sandbox. Raw sockets are netstack's own and reach no further than the pod's interface, so whether a
 * container may have them is left to its capabilities, as on every other handler; the same for seccomp.
 */
export const SANDBOX_FLAGS: readonly string[] = ['--network=sandbox', '--net-raw=true', '--oci-seccomp=true'];

/** Kills a command that was run in the container, by its pid there, with its descendants. */
export function innerKillOf(runtime: OciRuntime, target: ContainerTarget): Pick<KeptInnerKill, 'argv' | 'tree'> {
  const signalled = (signal: string) => {
    const kill = runtime.killArgv(target, signal);
    return [...kill.slice(0, -2), '--pid', '{pid}', ...kill.slice(-2)];
  };
  return { argv: signalled('KILL'), tree: { listArgv: runtime.psArgv(target), stopArgv: signalled('STOP') } };
}

/**
 * Waits for a container of the sandbox `sandbox`; asked again, it tells again, for the sentry remembers. By a call to the
 * sentry's control socket, whose place and messages are runsc's own affair (createControlSocket in runsc/sandbox/sandbox.go,
 * pkg/urpc, containerManager.Wait): of another version, `runsc wait` does it.
 */
export function watchOf(runtime: OciRuntime, target: ContainerTarget, sandbox: string): KeptWatch {
  const kill = runtime.killArgv(target, 'KILL');
  const socket = path.join(target.root, `runsc-${sandbox}.sock`);
  return {
    waitArgv: runtime.waitArgv(target),
    waitCall: { socket, request: JSON.stringify({ method: 'containerManager.Wait', arg: target.id }) },
    signalArgv: runtime.killArgv(target, '{signal}'),
    killArgv: [...kill.slice(0, -2), '--all', ...kill.slice(-2)],
    env: RUNTIME_ENVIRONMENT,
  };
}
