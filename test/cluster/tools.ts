/** Builds the kubelet, and what stands above it, from their Go module into the test cache. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';
import { builtTool, goEnv } from '../support/go-tools.js';

/** The Go module, in the source tree: tests run from the repository's root. */
const MODULE_DIR = join('test', 'cluster', 'tools');
const PACKAGES = 'k8s.io/kubernetes/cmd';
/** Some 2,000 packages on two cores that have other things to do too. */
const BUILD_TIMEOUT_MS = 2_700_000;

/** Path of a kubelet of the version that tools/go.mod names. Throws saying what is missing where it cannot be built. */
export async function kubeletTool(): Promise<string> {
  return join(await builtOf('kubelet', ['kubelet']), 'kubelet');
}

/** Directory with the kube-apiserver and the kubectl of the same version. Throws as `kubeletTool` does. */
export function controlPlaneTools(): Promise<string> {
  return builtOf('control-plane', ['kube-apiserver', 'kubectl']);
}

async function builtOf(name: string, programs: readonly string[]): Promise<string> {
  const [mod = '', sum = ''] = await Promise.all(
    ['go.mod', 'go.sum'].map((file) => readFile(join(MODULE_DIR, file), 'utf8')),
  );
  const version = /k8s\.io\/kubernetes (v[\d.]+)/.exec(mod)?.[1];
  if (version === undefined) throw new Error(`${MODULE_DIR}/go.mod names no version of k8s.io/kubernetes`);
  const key = createHash('sha256').update(`${mod}\n${sum}`).digest('hex').slice(0, 16);
  return builtTool(`${name}-${version}-${key}`, async (out) => {
    // Without its version each calls itself v0.0.0, and kubectl warns of the difference.
    const flags = `-s -w -X k8s.io/component-base/version.gitVersion=${version}`;
    const args = ['build', '-buildvcs=false', '-mod=readonly', '-trimpath', '-ldflags', flags, '-o', `${out}/`];
    const packages = programs.map((program) => `${PACKAGES}/${program}`);
    await command('go', [...args, ...packages], { cwd: MODULE_DIR, timeout: BUILD_TIMEOUT_MS, env: goEnv() });
  });
}
