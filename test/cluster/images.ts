/** The images of the checks, made of Debian's busybox. */

import { buildImage } from '../support/images.js';
import { busyboxRootfs } from '../support/images-debian.js';
import { pushImage } from '../support/images-push.js';

export interface TestImages {
  /** What the checks' containers are made of. */
  readonly busybox: string;
  /** Names a user without a name in /etc/passwd as its own. */
  readonly user: string;
  /** A volume, not a root file system. */
  readonly data: string;
  /** For image garbage collection: one that nobody uses, and one that is pinned. */
  readonly unused: string;
  readonly pinned: string;
}

/** Builds them and pushes them to the registry at `address`. */
export async function pushImages(address: string): Promise<TestImages> {
  const base = await busyboxRootfs();
  const push = async (name: string, input: Parameters<typeof buildImage>[0]) => {
    await pushImage(address, `test/${name}`, '1', await buildImage(input));
    return `${address}/test/${name}:1`;
  };
  const busybox = (name: string, config = {}) =>
    push(name, { layers: [base, [{ path: 'NAME', content: `${name}\n` }]], config: { Cmd: ['sh'], ...config } });
  return {
    busybox: await busybox('busybox'),
    user: await busybox('user', { User: '4711:4712' }),
    data: await push('data', { files: [{ path: 'data/greeting', content: 'from an image\n' }] }),
    unused: await busybox('unused'),
    pinned: await busybox('pinned'),
  };
}
