/** `npm run generate`: writes `cri/api/generated/` from `cri/api/*.proto`. Nothing of this folder runs in cribd. */

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { emitAll } from './emit.js';
import { readProtos } from './protos.js';

/** `cri/api` of the source tree; this file runs as `dist/cri/api/generator/main.js`. */
export const API_FOLDER = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../../cri/api');

/** The text of every generated file, by name. */
export function generate(): Map<string, string> {
  return emitAll(readProtos(API_FOLDER));
}

function main(): void {
  const folder = path.join(API_FOLDER, 'generated');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  const files = generate();
  for (const [name, text] of files) fs.writeFileSync(path.join(folder, name), text);
  process.stdout.write(`${files.size} files written to ${folder}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
