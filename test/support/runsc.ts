/** Tests that need gVisor: where it is not to be had they are left out, with the reason. */

import { findExecutable } from '../../runtime/oci/discover.js';

/** For the `skip` of a test; false where runsc is installed. test/setup.sh installs it where Debian's backports are in reach. */
export async function runscMissing(): Promise<string | false> {
  return (await findExecutable('runsc')) === undefined && 'runsc is not installed: gVisor was not tested';
}
