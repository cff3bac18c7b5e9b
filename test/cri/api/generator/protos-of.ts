/** Protos of a test's own, as the generator reads them. */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type ProtoFile, readProtos } from '../../../../cri/api/generator/protos.js';

/** `files` by their names without `.proto`; each gets the syntax and the package. */
export function protosOf(files: Readonly<Record<string, string>>): ProtoFile[] {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-protos-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      fs.writeFileSync(path.join(folder, `${name}.proto`), `syntax = "proto3"; package runtime.v1; ${text}`);
    }
    return readProtos(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
