/** A network namespace that lives as long as a descriptor of this process. */

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { CLONE } from '../../../runtime/linux/constants.js';
import { NetlinkSocket } from '../../../runtime/linux/netlink.js';
import { withUserNamespace } from '../../../runtime/linux/user-namespaces.js';

const ROOT = [{ containerId: 0, hostId: 0, length: 1000 }];

export interface NetNamespace {
  readonly fd: number;
  readonly socket: NetlinkSocket;
  /** Runs a program in it; its stdout. */
  run(...argv: string[]): string;
  close(): void;
}

export function namespace(): NetNamespace {
  const fd = withUserNamespace({ uids: ROOT, gids: ROOT }, CLONE.NEWNET, (own) => fs.openSync(`${own}/net`, 'r'));
  const path = `/proc/${process.pid}/fd/${fd}`;
  const socket = new NetlinkSocket(path);
  return {
    fd,
    socket,
    run: (...argv) => execFileSync('nsenter', [`--net=${path}`, ...argv], { encoding: 'utf8', timeout: 10_000 }),
    close: () => {
      socket.close();
      fs.closeSync(fd);
    },
  };
}
