/**
 * Root file systems made of Debian packages: the packages are downloaded with apt-get and unpacked into a cache, never
 * installed, and an image gets only the programs it needs with the libraries they load.
 */
import { createHash } from 'node:crypto';
import { access, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDir } from './cache.js';
import { command } from './command.js';
import type { TarEntry } from './images-tar.js';

/** The programs, and the libraries that they load. The busybox here is the one whose shell runs no applet itself. */
const PACKAGES = [
  ...['busybox', 'bash', 'catatonit', 'nginx', 'procps', 'util-linux'],
  ...['libc6', 'libcrypt1', 'libpcre2-8-0', 'libssl3', 'zlib1g', 'libtinfo6'],
  ...['libproc2-0', 'libsystemd0', 'libcap2', 'libgcrypt20', 'libgpg-error0', 'liblz4-1', 'liblzma5', 'libzstd1'],
] as const;

const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  'daemon:x:1:1:daemon:/usr/sbin:/bin/false',
  'www-data:x:33:33:www-data:/var/www:/bin/false',
  'nobody:x:65534:65534:nobody:/home:/bin/false',
];
const GROUP = ['root:x:0:', 'daemon:x:1:', 'wheel:x:10:root', 'www-data:x:33:', 'users:x:100:', 'nogroup:x:65534:'];

/** Directories of a root file system, with the modes that are not 0755. */
const DIRECTORIES: Readonly<Record<string, number>> = {
  ...{ bin: 0o755, dev: 0o755, etc: 0o755, home: 0o755, mnt: 0o755, proc: 0o755, sys: 0o755, run: 0o755 },
  ...{ root: 0o700, tmp: 0o1777, var: 0o755, 'var/tmp': 0o1777, 'var/run': 0o755, 'var/www': 0o755 },
};

/** The directory that holds the unpacked packages; downloads them the first time. */
export async function debianTree(packages: readonly string[] = PACKAGES): Promise<string> {
  const key = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 16);
  const cache = await cacheDir('debian');
  const tree = join(cache, key);
  if (await exists(tree)) return tree;
  const scratch = await mkdtemp(join(cache, 'tmp-'));
  try {
    await command('apt-get', ['-q', 'download', ...packages], { cwd: scratch, timeout: 300_000 });
    const archives = (await readdir(scratch)).filter((name) => name.endsWith('.deb'));
    for (const name of archives) await command('dpkg-deb', ['-x', join(scratch, name), join(scratch, 'tree')]);
    await rename(join(scratch, 'tree'), tree).catch(async (error: unknown) => {
      // Another run was first; what it made is the same.
      if (!(await exists(tree))) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return tree;
}

/** A root file system of busybox (hard links in /bin, as its own images have), pgrep, ipcs and ipcmk. */
export async function busyboxRootfs(users: { passwd?: string[]; group?: string[] } = {}): Promise<TarEntry[]> {
  const tree = await debianTree();
  const applets = (await command('chroot', [tree, '/bin/busybox', '--list'])).toString().trim().split('\n');
  const programs = await programFiles(['/bin/busybox', '/usr/bin/pgrep', '/usr/bin/ipcs', '/usr/bin/ipcmk']);
  const links = applets
    .filter((name) => name !== 'busybox')
    .map((name): TarEntry => ({ path: `bin/${name}`, type: 'hardlink', target: 'bin/busybox', mode: 0o755 }));
  return rootfs([
    { path: 'etc/passwd', content: lines([...PASSWD, ...(users.passwd ?? [])]) },
    { path: 'etc/group', content: lines([...GROUP, ...(users.group ?? [])]) },
    ...programs,
    ...links,
  ]);
}

/**
 * The given programs (absolute paths in the packages) with the libraries that the dynamic loader finds for them.
 * Throws when one is missing, so that an image is never incomplete.
 */
export async function programFiles(programs: readonly string[]): Promise<TarEntry[]> {
  const tree = await debianTree();
  const paths = new Set<string>();
  for (const program of programs) {
    paths.add(program);
    for (const library of await libraries(tree, program)) paths.add(library);
  }
  return Promise.all([...paths].map((path) => fileOf(tree, path)));
}

/** A statically linked program of the packages (the loader cannot list one). */
export async function staticProgram(program: string): Promise<TarEntry> {
  return fileOf(await debianTree(), program);
}

/** A busybox that needs no library: a root file system of its own. The one on the host may be either kind. */
export async function staticBusybox(): Promise<string> {
  return join(await debianTree(['busybox-static']), 'bin', 'busybox');
}

/** Adds the directories that the entries need, in front of them, and those that every container expects. */
export function rootfs(entries: readonly TarEntry[]): TarEntry[] {
  const directories = new Map<string, number>(Object.entries(DIRECTORIES));
  for (const entry of entries) {
    for (let up = dirname(entry.path); up !== '.' && up !== '/'; up = dirname(up)) {
      if (!directories.has(up)) directories.set(up, 0o755);
    }
  }
  const made = [...directories].sort(([a], [b]) => (a < b ? -1 : 1));
  return [...made.map(([path, mode]): TarEntry => ({ path, type: 'dir', mode })), ...entries];
}

async function libraries(tree: string, program: string): Promise<string[]> {
  const loader = await loaderOf(tree);
  const listed = await command('chroot', [tree, loader, '--list', program]);
  const text = listed.toString();
  if (text.includes('not found')) throw new Error(`a library of ${program} is in none of the packages: ${text}`);
  return [...text.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].flatMap((match) => match[1] ?? []);
}

async function loaderOf(tree: string): Promise<string> {
  for (const path of ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1']) {
    if (await exists(join(tree, path))) return path;
  }
  throw new Error(`no dynamic loader that is known here in ${tree}/lib*: add its path for this architecture`);
}

/** The file under the name that was asked for: links among library names become files. */
async function fileOf(tree: string, path: string): Promise<TarEntry> {
  return { path: path.slice(1), mode: 0o755, content: await readFile(join(tree, path)) };
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
