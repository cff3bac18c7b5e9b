/**
 * The modules below unpack/ name files from '/', for their process is locked in. Here the thread of the test is: libuv's
 * pool stays outside, so that asynchronous calls see the machine.
 */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, beforeEach } from 'node:test';
import { CLONE } from '../../../../runtime/linux/constants.js';
import { chroot, unshare } from '../../../../runtime/linux/namespaces.js';

/** From here on '/' is a directory of this file's own, empty at the start of each test. */
export function jailThisFile(): void {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-jailed-'));
  before(() => {
    unshare(CLONE.FS);
    chroot(directory);
    process.chdir('/');
    process.umask(0);
  });
  beforeEach(() => {
    for (const name of fs.readdirSync('/')) fs.rmSync(`/${name}`, { recursive: true });
    fs.chmodSync('/', 0o755);
  });
  after(() => fs.promises.rm(directory, { recursive: true, force: true }));
}
