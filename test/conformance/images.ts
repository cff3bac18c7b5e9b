/**
 * Stand-ins for the images that critest 1.36 names (cri-tools pkg/validate/consts.go and pkg/framework/util.go): their
 * own cannot be had without the Internet. What each must hold is what the specs do with it.
 */
import { type BuiltImage, buildImage, buildIndex, hostArchitecture, type ImageInput } from '../support/images.js';
import { busyboxRootfs, programFiles, rootfs, staticProgram } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';
import type { TarEntry } from '../support/images-tar.js';

/** The registries in critest's references; each is redirected to the loopback registry. */
export const CRITEST_REGISTRIES = ['registry.k8s.io', 'k8s.gcr.io', 'gcr.io'] as const;

/** The sandbox image for runtimes that have one (containerd). Not one that a spec removes. */
export const PAUSE_IMAGE = 'registry.k8s.io/crib-test/pause:1';

const TOOLS = 'k8s-staging-cri-tools';
const E2E = 'e2e-test-images';

/** Numbers and names from consts.go; the groups are those of the images' build script. */
const USERS = { uid: '1002', username: 'www-data', 'uid-group': '1003:users', 'username-group': 'www-data:users' };

/** Builds all images and pushes them to the registry at `address`. */
export async function pushCritestImages(address: string): Promise<void> {
  const base = await busyboxRootfs();
  const busybox = (name: string, config: ImageInput['config'] = {}) =>
    buildImage({ layers: [base, [{ path: 'TEST', content: `${name}\n` }]], config: { Cmd: ['sh'], ...config } });
  const push = (repository: string, tags: string | string[], image: BuiltImage) =>
    pushImage(address, repository, tags, image);

  await push(`${E2E}/busybox`, '1.29-2', await multiArchitecture({ files: base, config: { Cmd: ['sh'] } }));
  await push(`${E2E}/nginx`, '1.14-2', await multiArchitecture({ ...(await nginx(base, 80)), format: 'docker' }));
  await push(`${TOOLS}/hostnet-nginx-${hostArchitecture()}`, 'latest', await buildImage(await nginx(base, 12003)));
  await push(`${E2E}/httpd`, '2.4.39-4', await buildImage({ ...httpd(base), format: 'docker' }));
  await push(`${E2E}/nonewprivs`, '1.3', await buildImage(await noNewPrivileges()));
  await push('pause', '3.9', await buildImage(await pause('3.9')));
  await push('crib-test/pause', '1', await buildImage(await pause('sandbox')));

  await push(`${TOOLS}/test-image-latest`, 'latest', await busybox('latest'));
  await push(`${TOOLS}/test-image-digest`, 'latest', await busybox('digest'));
  await push(`${TOOLS}/test-image-tag`, 'test', await busybox('tag'));
  await push(`${TOOLS}/test-image-tag`, 'all', await busybox('all'));
  await push(`${TOOLS}/test-image-tags`, ['1', '2', '3'], await busybox('tags'));
  for (const n of ['1', '2', '3']) await push(`${TOOLS}/test-image-${n}`, 'latest', await busybox(n));
  for (const [name, User] of Object.entries(USERS)) {
    await push(`${TOOLS}/test-image-user-${name}`, 'latest', await busybox(`user ${name}`, { User }));
  }
  await push(`${TOOLS}/test-image-predefined-group`, 'latest', await buildImage(await predefinedGroup()));
}

/** An index whose first image is for another architecture, so that the choice of platform is tested too. */
async function multiArchitecture(input: ImageInput): Promise<BuiltImage> {
  const other = hostArchitecture() === 'amd64' ? 'arm64' : 'amd64';
  const foreign = await buildImage({ ...input, layers: [], files: [{ path: 'foreign' }], architecture: other });
  return buildIndex([foreign, await buildImage(input)], input.format);
}

/** The pid file and the single worker are what the specs on PID namespaces look at. */
async function nginx(base: readonly TarEntry[], port: number): Promise<ImageInput> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path /tmp/${name};`,
  );
  const server = `server { listen ${port}; root /usr/share/nginx/html; }`;
  const configuration = [
    'user www-data; worker_processes 1; pid /var/run/nginx.pid; error_log /dev/stderr;',
    'events { worker_connections 64; }',
    `http { access_log /dev/stdout; ${temporary.join(' ')} ${server} }`,
  ].join('\n');
  const files = rootfs([
    ...(await programFiles(['/usr/sbin/nginx'])),
    { path: 'etc/nginx/nginx.conf', content: `${configuration}\n` },
    { path: 'usr/share/nginx/html/index.html', content: '<title>Welcome to nginx!</title>\n' },
    { path: 'var/log/nginx', type: 'dir' },
  ]);
  const config = { Cmd: ['nginx', '-g', 'daemon off;'], Env: [`PATH=${SEARCH_PATH}`], StopSignal: 'SIGQUIT' };
  return { layers: [base, files], config };
}

/** The multi-container spec waits for a log line with "httpd", which busybox's server does not write. */
function httpd(base: readonly TarEntry[]): ImageInput {
  const Cmd = ['sh', '-c', 'echo httpd: serving; exec httpd -f -p 80 -h /var/www'];
  const page = [{ path: 'var/www/index.html', content: '<html><body><h1>It works!</h1></body></html>\n' }];
  return { layers: [base, page], config: { Cmd, Env: [`PATH=${SEARCH_PATH}`] } };
}

/** A set-user-ID program that prints its effective uid: bash keeps it with -p. */
async function noNewPrivileges(): Promise<ImageInput> {
  const files = (await programFiles(['/bin/bash'])).map((entry) =>
    entry.path === 'bin/bash' ? { ...entry, mode: 0o4755 } : entry,
  );
  return { files: rootfs(files), config: { Entrypoint: ['/bin/bash', '-p', '-c', 'echo "Effective uid: $EUID"'] } };
}

/** catatonit waits for ever with -P. The name keeps the two images' ids apart. */
async function pause(name: string): Promise<ImageInput> {
  const files = rootfs([await staticProgram('/usr/bin/catatonit'), { path: 'PAUSE', content: `${name}\n` }]);
  return { files, config: { User: '65535:65535', Entrypoint: ['/usr/bin/catatonit', '-P'] } };
}

async function predefinedGroup(): Promise<ImageInput> {
  const passwd = ['default-user:x:1000:1000::/home/default-user:/bin/sh'];
  const group = ['default-user:x:1000:', 'group-defined-in-image:x:50000:default-user'];
  return { files: await busyboxRootfs({ passwd, group }), config: { Cmd: ['sh'], User: '1000' } };
}

const SEARCH_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
