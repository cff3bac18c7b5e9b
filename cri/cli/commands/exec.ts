/**
 * `crib exec`: runs a command in a container and ends as it did. Its output streams; with --json or --timeout the answer is
 * one, of ExecSync.
 */

import { CribError } from '../../../runtime/errors.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { writeAll } from '../log-printer.js';
import { findContainer } from '../lookup.js';
import { toJson } from '../output.js';
import { runSession } from '../streaming/session.js';

export interface ExecOptions {
  /** Seconds; undefined or 0: no limit. */
  readonly timeout?: number;
  readonly interactive?: boolean;
  readonly tty?: boolean;
}

export async function exec(
  invocation: Invocation,
  name: string,
  words: readonly string[],
  options: ExecOptions,
): Promise<void> {
  const cmd = words[0] === '--' ? words.slice(1) : [...words];
  if (cmd.length === 0) throw new CribError('INVALID_ARGUMENT', 'which command? crib exec CONTAINER COMMAND…');
  const { timeout = 0, interactive: stdin = false, tty = false } = options;
  const sync = invocation.json || timeout > 0;
  if (sync && (stdin || tty)) {
    throw new CribError('INVALID_ARGUMENT', '--json and --timeout are for commands without -i and -t');
  }
  process.exitCode = sync
    ? await execSync(invocation, name, cmd, timeout)
    : await withDaemon(invocation, async (cri) => {
        const { id: containerId } = await findContainer(cri, name);
        const { url } = await cri.runtime.exec({ containerId, cmd, stdin, tty, stdout: true, stderr: !tty });
        return runSession(invocation, url, { stdin, tty, detachKeys: Buffer.alloc(0) });
      });
}

/** Returns the exit code. `timeout` in seconds; 0: no limit. */
async function execSync(
  invocation: Invocation,
  name: string,
  cmd: readonly string[],
  timeout: number,
): Promise<number> {
  const { stdout, stderr, exitCode } = await withDaemon(invocation, async (cri) => {
    const { id: containerId } = await findContainer(cri, name);
    return cri.runtime.execSync({ containerId, cmd: [...cmd], timeout: BigInt(timeout) }, { timeoutMs: 0 });
  });
  if (invocation.json) {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    process.stdout.write(`${toJson({ exitCode, stdout: text(stdout), stderr: text(stderr) })}\n`);
  } else {
    await writeAll(process.stdout, Buffer.from(stdout));
    await writeAll(process.stderr, Buffer.from(stderr));
  }
  return exitCode;
}
