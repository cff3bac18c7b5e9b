/**
 * The guest's root file system: Debian 12 with its own kernel and systemd, from the mirror that this host's apt has, and
 * what crib's tests need of its packages. Made once per recipe, kept in the test cache, never written to by a run.
 */

import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { command } from '../support/command.js';
import { builtTool } from '../support/go-tools.js';
import { makeDisk } from './disk.js';
import { GUEST_PARTS, GUEST_ROOT } from './steps.js';

export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
}

const SUITE = 'bookworm';
const SIZE_MIB = 8192;
const MAKE_TIMEOUT_MS = 1_800_000;

/** Beyond what test/setup.sh installs: what makes a machine of them, what Node loads, what the tests look with; critest calls sudo. */
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'dbus', 'udev', 'kmod', 'initramfs-tools', 'linux-image-cloud-amd64'],
  ...['libstdc++6', 'zlib1g', 'netbase', 'dmsetup', 'sudo'],
];

/** None of it is read by a program. */
const LEFT_OUT = ['doc', 'info', 'locale', 'man'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);

const UNIT = 'crib-guest.service';

/** TasksMax and Delegate: its containers are the node's, not those of a small service. */
const FILES: Readonly<Record<string, string>> = {
  'etc/hostname': 'node\n',
  'etc/hosts': '127.0.0.1 localhost node\n',
  'etc/resolv.conf': 'nameserver 192.0.2.53\n',
  'etc/fstab': `/dev/vdb ${GUEST_ROOT} ext4 rw 0 0\n`,
  [`etc/systemd/system/${UNIT}`]: `[Unit]
Description=crib's tests
After=multi-user.target dbus.socket
RequiresMountsFor=${GUEST_ROOT}

[Service]
Type=exec
WorkingDirectory=${GUEST_ROOT}
ExecStart=/bin/sh ${GUEST_ROOT}/test/guest/start.sh ${GUEST_ROOT}/${GUEST_PARTS}
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
Environment=HOME=/root
Delegate=yes
TasksMax=infinity
LimitNOFILE=1048576
`,
};

const LINKS: Readonly<Record<string, string>> = {
  [`etc/systemd/system/multi-user.target.wants/${UNIT}`]: `../${UNIT}`,
  'usr/bin/node': `${GUEST_ROOT}/${GUEST_PARTS}/bin/node`,
  ...Object.fromEntries(
    ['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'fstrim.timer'].map(
      (name) => [`etc/systemd/system/${name}`, '/dev/null'],
    ),
  ),
};

/** Throws with what is missing where it cannot be made here. */
export async function guestImage(): Promise<GuestImage> {
  const packages = [...new Set([...PACKAGES, ...(await packagesOfTests())])].sort();
  const recipe = JSON.stringify([SUITE, SIZE_MIB, packages, LEFT_OUT, FILES, LINKS]);
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const dir = await builtTool(`guest-${SUITE}-${key}`, (out) => make(out, packages));
  return { kernel: join(dir, 'vmlinuz'), initrd: join(dir, 'initrd.img'), disk: join(dir, 'root.ext4') };
}

async function make(out: string, packages: readonly string[]): Promise<void> {
  const tree = join(out, 'tree');
  const line = `deb ${await mirror()} ${SUITE} main`;
  const args = ['--quiet', '--mode=root', '--variant=minbase', `--include=${packages.join(',')}`, ...LEFT_OUT];
  await command('mmdebstrap', [...args, SUITE, tree, line], { timeout: MAKE_TIMEOUT_MS });
  for (const name of ['vmlinuz', 'initrd.img']) await takeOut(tree, name, out);
  await rm(join(tree, 'etc/apt/sources.list'), { force: true });
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
  for (const [path, target] of Object.entries(LINKS)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await rm(join(tree, path), { force: true });
    await symlink(target, join(tree, path));
  }
  await makeDisk(tree, join(out, 'root.ext4'), SIZE_MIB);
  await rm(tree, { recursive: true });
}

/** `NAME-VERSION` of the tree's /boot becomes `NAME` beside it. */
async function takeOut(tree: string, name: string, out: string): Promise<void> {
  const found = (await readdir(join(tree, 'boot'))).find((file) => file.startsWith(`${name}-`));
  if (found === undefined) throw new Error(`Debian's kernel package has left no /boot/${name}-VERSION`);
  await rename(join(tree, 'boot', found), join(out, name));
}

async function packagesOfTests(): Promise<string[]> {
  return (await command('sh', [join('test', 'setup.sh'), 'packages'])).toString().trim().split(/\s+/);
}

/** Of the host's own Debian release, as apt is configured. */
async function mirror(): Promise<string> {
  const format = ['--format', '$(REPO_URI) $(CODENAME) $(ORIGIN)', 'Created-By: Packages'];
  const targets = (await command('apt-get', ['indextargets', ...format])).toString().split('\n');
  const release = (await command('sh', ['-c', '. /etc/os-release && echo "$VERSION_CODENAME"'])).toString().trim();
  const [uri] = targets.find((target) => target.split(' ')[1] === release)?.split(' ') ?? [];
  if (uri === undefined) throw new Error(`apt has no package lists of ${release} here: run apt-get update`);
  return uri;
}
