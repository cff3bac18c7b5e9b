/** State files that are whole after kill -9 and after a power cut: written aside, synced, renamed, the directory synced. */

import fs from 'node:fs/promises';
import path from 'node:path';

/** Replaces `file` by `content` in one step. Callers of one file take turns. */
export async function writeDurably(file: string, content: string): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await fs.open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(temporary, file);
  const directory = await fs.open(path.dirname(file), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
