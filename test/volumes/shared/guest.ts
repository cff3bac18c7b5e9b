/**
 * A process that plays the guest: root in a user and mount namespace of its own, in a chroot of the shared directory
 * alone, with the programs of a rootfs that was staged there.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';

export interface Guest {
  readonly process: ChildProcess;
  /** Runs shell commands there, and returns what they print; an exit code that is not 0 shows as `exit N` at the end. */
  run(script: string): Promise<string>;
  end(): Promise<void>;
}

const END = '--- end of output ---';

/** `shell` is the path of busybox within `shared`. */
export function startGuest(shared: string, busybox: string): Guest {
  const isolate = ['--user', '--map-root-user', '--mount', '--propagation', 'slave', '--kill-child', '--pid', '--fork'];
  const child = spawn('unshare', [...isolate, 'chroot', shared, busybox, 'sh'], { stdio: ['pipe', 'pipe', 'pipe'] });
  // Without /proc its shell finds only part of its own applets.
  child.stdin.write(`PATH=${path.dirname(busybox)}\n`);
  let output = '';
  let changed = () => {};
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let isOver = false;
  void ended.then(() => {
    isOver = true;
    changed();
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      changed();
    });
  }
  return {
    process: child,
    run: async (script) => {
      output = '';
      child.stdin.write(`( ${script}\n) <&- 2>&1 || echo "exit $?"; echo '${END}'\n`);
      while (!output.includes(END)) {
        if (isOver) throw new Error(`the guest has ended: ${output}`);
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
      return output.slice(0, output.indexOf(END)).trim();
    },
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
