/** `crib exec`: runs a command in a container (ExecSync) and ends as it did. */

import { CribError } from '../../../runtime/errors.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { writeAll } from '../log-printer.js';
import { findContainer } from '../lookup.js';
import { toJson } from '../output.js';

export async function exec(
  invocation: Invocation,
  name: string,
  words: readonly string[],
  options: { readonly timeout: number },
): Promise<void> {
  const cmd = words[0] === '--' ? words.slice(1) : [...words];
  if (cmd.length === 0) throw new CribError('INVALID_ARGUMENT', 'which command? crib exec CONTAINER COMMAND…');
  const { stdout, stderr, exitCode } = await withDaemon(invocation, async (cri) => {
    const { id } = await findContainer(cri, name);
    return cri.runtime.execSync({ containerId: id, cmd, timeout: BigInt(options.timeout) }, { timeoutMs: 0 });
  });
  if (invocation.json) {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
    process.stdout.write(`${toJson({ exitCode, stdout: text(stdout), stderr: text(stderr) })}\n`);
  } else {
    await writeAll(process.stdout, Buffer.from(stdout));
    await writeAll(process.stderr, Buffer.from(stderr));
  }
  process.exitCode = exitCode;
}
