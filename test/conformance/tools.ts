/** Builds critest, crictl and ginkgo (and containerd, to compare with) from their Go modules into the test cache. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';
import { builtTool, goEnv } from '../support/go-tools.js';

/** The release whose CRI part the design compares crib with. */
const CONTAINERD = 'v2.3.4';
const CONTAINERD_MODULE = 'github.com/containerd/containerd/v2';
/** A first build downloads the modules and compiles them on two cores. */
const BUILD_TIMEOUT_MS = 900_000;
/** The Go module, in the source tree: tests run from the repository's root. */
const MODULE_DIR = join('test', 'conformance', 'tools');

/** The directory with `critest.test`, `crictl` and `ginkgo`, of the versions that tools/go.mod names. */
export async function conformanceTools(): Promise<string> {
  const locks = await Promise.all(['go.mod', 'go.sum'].map((name) => readFile(join(MODULE_DIR, name), 'utf8')));
  const key = createHash('sha256').update(locks.join('\n')).digest('hex').slice(0, 16);
  return builtTool(`cri-tools-${key}`, async (out) => {
    const go = (args: string[]) => command('go', args, { cwd: MODULE_DIR, timeout: BUILD_TIMEOUT_MS, env: goEnv() });
    const critest = 'sigs.k8s.io/cri-tools/cmd/critest';
    await go(['test', '-c', '-buildvcs=false', '-mod=readonly', '-o', join(out, 'critest.test'), critest]);
    for (const tool of ['sigs.k8s.io/cri-tools/cmd/crictl', 'github.com/onsi/ginkgo/v2/ginkgo']) {
      await go(['build', '-buildvcs=false', '-mod=readonly', '-o', `${out}/`, tool]);
    }
  });
}

/** The directory with `containerd` and `containerd-shim-runc-v2`. */
export async function containerdTools(): Promise<string> {
  return builtTool(`containerd-${CONTAINERD}`, async (out) => {
    const commands = ['containerd', 'containerd-shim-runc-v2'];
    const packages = commands.map((name) => `${CONTAINERD_MODULE}/cmd/${name}@${CONTAINERD}`);
    const env = { ...goEnv(), GOBIN: out };
    await command('go', ['install', '-buildvcs=false', ...packages], { timeout: BUILD_TIMEOUT_MS, env });
  });
}
