/** The OCI runtime under test must really be the one that is tested: crib would report it and take the next one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { discoverRuntimes } from '../../runtime/oci/discover.js';
import { makeRoomForCrun } from '../support/crun-room.js';
import { recordingLog } from '../support/log.js';

/** Makes what `name` needs on this host; the result takes it back. Throws with the reason where it cannot run here. */
export async function prepareOciRuntime(name: string): Promise<() => Promise<void>> {
  const undo = name.endsWith('crun') ? await makeRoomForCrun() : async () => {};
  const stateDir = await mkdtemp(join(tmpdir(), 'crib-probe-'));
  try {
    const [first] = await discoverRuntimes({ preferred: name, stateDir, log: recordingLog().log });
    if (first?.works === true) return undo;
    throw new Error(`the OCI runtime ${name} cannot run here: ${first?.reason}`);
  } catch (error) {
    await undo();
    throw error;
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}
