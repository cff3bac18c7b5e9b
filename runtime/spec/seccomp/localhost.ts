/** A seccomp profile that the node's administrator keeps in a file (CRI SecurityProfile Localhost). */

import fs from 'node:fs/promises';
import path from 'node:path';
import type { ContainerSecurity } from '../../containers/config.js';
import { CribError, messageOf } from '../../errors.js';
import { errnoName } from '../../linux/libc.js';

const FIELD = 'config.linux.security_context.seccomp.localhost_ref';
const MAX_BYTES = 1024 * 1024;

/**
 * Reads and parses the profile; undefined where none is asked for, or the container is privileged. Throws
 * INVALID_ARGUMENT for a path that is not absolute, FAILED_PRECONDITION for a file that is missing, over 1 MiB, or
 * not JSON.
 */
export async function loadLocalhostSeccomp(security: ContainerSecurity): Promise<unknown> {
  if (security.privileged || security.seccomp?.type !== 'localhost') return undefined;
  const file = security.seccomp.localhostRef.replace(/^localhost\//, '');
  if (!path.isAbsolute(file)) {
    throw new CribError('INVALID_ARGUMENT', `${FIELD}: ${JSON.stringify(file)} is not an absolute path`);
  }
  return parse(file, await read(file));
}

async function read(file: string): Promise<string> {
  try {
    const facts = await fs.stat(file);
    if (!facts.isFile()) throw new Error('it is not a regular file');
    if (facts.size > MAX_BYTES) throw new Error(`it has ${facts.size} bytes; at most ${MAX_BYTES} are read`);
    const handle = await fs.open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(facts.size), 0, facts.size, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const reason = errnoName(error) === 'ENOENT' ? 'it does not exist on this node' : messageOf(error);
    throw new CribError('FAILED_PRECONDITION', `${FIELD}: reading seccomp profile ${file}: ${reason}`, {
      cause: error,
    });
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CribError('FAILED_PRECONDITION', `${FIELD}: ${file} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
