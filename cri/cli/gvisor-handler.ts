/** The handler `gvisor`: its backend where runsc can run here, else why not. */

import { findExecutable } from '../../runtime/oci/discover.js';
import { NO_FEATURES } from '../../runtime/oci/feature-trials.js';
import { OciRuntime } from '../../runtime/oci/oci-runtime.js';
import { knownRunsc, type RunscFacts, type RunscOptions, tryRunsc } from '../../runtime/oci/runsc.js';
import { GvisorBackend } from '../../sandbox/gvisor/backend.js';
import type { GvisorBackendParts } from '../../sandbox/gvisor/parts.js';
import { SANDBOX_FLAGS } from '../../sandbox/gvisor/runsc.js';
import type { Handler } from '../../sandbox/handlers.js';

export const GVISOR = 'gvisor';

export const RUNSC_MISSING = 'runsc is not installed (Debian 12 has it in bookworm-backports)';

/** Does not wait for the trial of a runsc that is new here: it goes on while the daemon starts. */
export async function gvisorHandler(
  parts: Omit<GvisorBackendParts, 'runtime' | 'hideCoreSysctls'>,
  options: RunscOptions,
): Promise<Handler> {
  const file = await findExecutable('runsc');
  if (file === undefined) return { name: GVISOR, backend: undefined, detail: RUNSC_MISSING };
  const known = await knownRunsc(file, options);
  if (known !== undefined) return handlerOf(known, parts);
  const trial = tryRunsc(file, options).then((facts) => handlerOf(facts, parts));
  return { name: GVISOR, backend: undefined, detail: `${file} is being tried`, trial };
}

/** Takes away what is left of gVisor pods where runsc can run none any more. */
export function gvisorLeftovers(parts: Omit<GvisorBackendParts, 'runtime' | 'hideCoreSysctls'>): GvisorBackend {
  const missing = { name: 'runsc', path: 'runsc', version: '', works: false, reason: RUNSC_MISSING };
  const runtime = new OciRuntime({ ...missing, features: NO_FEATURES }, parts.cgroupDriver.runtimeOptions);
  return new GvisorBackend({ ...parts, runtime, hideCoreSysctls: false });
}

function handlerOf(facts: RunscFacts, parts: Omit<GvisorBackendParts, 'runtime' | 'hideCoreSysctls'>): Handler {
  const { version, platform, hideCoreSysctls, reason, path: file } = facts;
  if (platform === '') return { name: GVISOR, backend: undefined, detail: reason };
  const flags = [`--platform=${platform}`, ...SANDBOX_FLAGS, ...parts.cgroupDriver.runtimeOptions];
  const runtime = new OciRuntime({ ...facts, name: 'runsc', works: true, features: NO_FEATURES }, flags);
  const backend = new GvisorBackend({ ...parts, runtime, hideCoreSysctls });
  return { name: GVISOR, backend, detail: `${file} ${version} on ${platform}` };
}
