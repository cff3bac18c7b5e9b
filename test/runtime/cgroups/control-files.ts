/** Plain files in place of a cgroup: any value, also those that this host's kernel never gives. */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

export interface ControlFiles {
  readonly root: string;
  put(files: Readonly<Record<string, string>>): void;
  read(file: string): string;
}

export function controlFiles(t: TestContext, files: Readonly<Record<string, string>> = {}): ControlFiles {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-control-'));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  const put = (more: Readonly<Record<string, string>>): void => {
    for (const [file, text] of Object.entries(more)) {
      fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      fs.writeFileSync(path.join(root, file), text);
    }
  };
  put(files);
  return { root, put, read: (file) => fs.readFileSync(path.join(root, file), 'utf8') };
}
