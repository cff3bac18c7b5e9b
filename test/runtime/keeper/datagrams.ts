/** A service manager's notification socket, as far as a test needs one. */

import fs from 'node:fs';
import { bindUnix, type PassedMessage, receiveDescriptors } from '../../../runtime/linux/sockets.js';

/** Receives at the abstract name `name`. */
export function bindDatagrams(name: string): { all(): PassedMessage[]; close(): void } {
  const socket = bindUnix(`@${name}`);
  return {
    all: () => {
      const messages: PassedMessage[] = [];
      for (let next = receiveDescriptors(socket); next !== undefined; next = receiveDescriptors(socket))
        messages.push(next);
      return messages;
    },
    close: () => fs.closeSync(socket),
  };
}
