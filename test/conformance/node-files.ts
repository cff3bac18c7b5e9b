/** The files a node would have: the CNI configuration and the registry mirrors, in a test's own directory. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';
import { CRITEST_REGISTRIES } from './images.js';

export const CNI_BIN_DIR = '/usr/lib/cni';

export interface TestNetwork {
  readonly confDir: string;
  readonly bridge: string;
}

/** Writes a conflist (bridge, host-local, portmap) with a bridge and a subnet that nothing else here uses. */
export async function writeNetwork(dir: string): Promise<TestNetwork> {
  const confDir = join(dir, 'cni');
  const bridge = `cribt${process.pid}`;
  const routes = (await command('ip', ['-4', 'route'])).toString();
  const third = Array.from({ length: 250 }, (_, n) => (n + process.pid) % 250).find(
    (n) => !routes.includes(`10.249.${n}.`),
  );
  if (third === undefined) throw new Error('every 10.249.N.0/24 has a route here: no subnet is left for the test');
  const ipam = {
    type: 'host-local',
    dataDir: join(dir, 'ipam'),
    ranges: [[{ subnet: `10.249.${third}.0/24` }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const conflist = {
    cniVersion: '1.0.0',
    name: `crib-test-${process.pid}`,
    plugins: [
      { type: 'bridge', bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true }, snat: true },
    ],
  };
  await mkdir(confDir, { recursive: true });
  await writeFile(join(confDir, '10-crib-test.conflist'), JSON.stringify(conflist, undefined, 2));
  return { confDir, bridge };
}

/** The bridge stays when the last pod goes; this removes it. */
export async function removeNetwork(network: TestNetwork): Promise<void> {
  await command('ip', ['link', 'delete', network.bridge]).catch(() => {});
}

/** Sends every registry that critest names to the one on loopback, without falling back to the real one. */
export async function writeMirrors(certsDir: string, address: string): Promise<void> {
  for (const host of CRITEST_REGISTRIES) {
    await mkdir(join(certsDir, host), { recursive: true });
    const url = `http://${address}`;
    const text = `server = "${url}"\n\n[host."${url}"]\n  capabilities = ["pull", "resolve"]\n`;
    await writeFile(join(certsDir, host, 'hosts.toml'), text);
  }
}
