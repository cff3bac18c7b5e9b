/** A directory with a static busybox in it, in which scripts run as in a sandbox's root container, by chroot. */

import fs from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { command } from '../../support/command.js';
import { staticBusybox } from '../../support/images-debian.js';
import { makeTemporary, removeTemporary } from '../../volumes/fixture.js';

export interface CopyRoom {
  /** The root directory. */
  readonly root: string;
  /** Makes the directory of a copy; its path in the room. */
  target(number: number): string;
  shell(script: string, input: Buffer): Promise<string>;
}

export async function copyRoom(t: TestContext): Promise<CopyRoom> {
  const root = makeTemporary();
  t.after(() => removeTemporary(root));
  fs.mkdirSync(path.join(root, 'bin'));
  fs.copyFileSync(await staticBusybox(), path.join(root, 'bin/busybox'));
  fs.chmodSync(path.join(root, 'bin/busybox'), 0o755);
  return {
    root,
    target: (number) => {
      const target = `/crib/volumes/${number}`;
      fs.mkdirSync(path.join(root, target), { recursive: true });
      return target;
    },
    shell: async (script, input) => {
      const printed = await command('chroot', [root, '/bin/busybox', 'sh', '-c', script], { input });
      return printed.toString();
    },
  };
}
