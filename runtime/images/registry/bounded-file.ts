import fs from 'node:fs/promises';
import { CribError, messageOf } from '../../errors.js';

/** The text of a configuration file, or undefined when there is none. Throws FAILED_PRECONDITION naming the file. */
export async function readConfigFile(file: string, maxBytes = 4 * 1024 * 1024): Promise<string | undefined> {
  let handle: fs.FileHandle | undefined;
  try {
    // O_NONBLOCK: opening a FIFO that somebody put there must not wait for its writer.
    handle = await fs.open(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is not a regular file');
    const buffer = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    return buffer.toString('utf8', 0, length);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new CribError('FAILED_PRECONDITION', `could not read ${file}: ${messageOf(error)}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

/** Whether a path does not lead anywhere. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
