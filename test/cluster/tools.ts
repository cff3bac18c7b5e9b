/** Builds the kubelet from its Go module into the test cache. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';
import { builtTool, goEnv } from '../support/go-tools.js';

/** The Go module, in the source tree: tests run from the repository's root. */
const MODULE_DIR = join('test', 'cluster', 'tools');
const PACKAGE = 'k8s.io/kubernetes/cmd/kubelet';
/** Some 2,000 packages on two cores that have other things to do too. */
const BUILD_TIMEOUT_MS = 2_700_000;

/** Path of a kubelet of the version that tools/go.mod names. Throws saying what is missing where it cannot be built. */
export async function kubeletTool(): Promise<string> {
  const [mod = '', sum = ''] = await Promise.all(
    ['go.mod', 'go.sum'].map((name) => readFile(join(MODULE_DIR, name), 'utf8')),
  );
  const version = /k8s\.io\/kubernetes (v[\d.]+)/.exec(mod)?.[1];
  if (version === undefined) throw new Error(`${MODULE_DIR}/go.mod names no version of k8s.io/kubernetes`);
  const key = createHash('sha256').update(`${mod}\n${sum}`).digest('hex').slice(0, 16);
  const dir = await builtTool(`kubelet-${version}-${key}`, async (out) => {
    // Without its version a kubelet calls itself v0.0.0.
    const flags = `-s -w -X k8s.io/component-base/version.gitVersion=${version}`;
    const args = ['build', '-buildvcs=false', '-mod=readonly', '-trimpath', '-ldflags', flags, '-o', `${out}/`];
    await command('go', [...args, PACKAGE], { cwd: MODULE_DIR, timeout: BUILD_TIMEOUT_MS, env: goEnv() });
  });
  return join(dir, 'kubelet');
}
