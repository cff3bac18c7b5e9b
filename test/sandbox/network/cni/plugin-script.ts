/** A CNI plugin that is a shell script. */

import fs from 'node:fs/promises';
import path from 'node:path';

export async function writePlugin(directory: string, type: string, script: string): Promise<void> {
  await fs.mkdir(directory, { recursive: true });
  await fs.writeFile(path.join(directory, type), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
