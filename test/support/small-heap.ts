/** A process that has little memory, and a directory that a container has filled. */

import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const HEAP_MB = 12;
const ENTRIES = 50_000;

/** Makes `directory` with so many files that their names alone do not fit. */
export function fillDirectory(directory: string): void {
  const script = `mkdir "$1" && cd "$1" && seq -f "${'x'.repeat(200)}-%g" ${ENTRIES} | xargs touch`;
  execFileSync('sh', ['-c', script, 'sh', directory]);
}

/** Calls `name`, which `file` of crib's exports, and returns what it resolves to. Rejects when the memory runs out. */
export async function inSmallHeap(file: string, name: string, ...args: readonly unknown[]): Promise<unknown> {
  const module = path.resolve(import.meta.dirname, '../..', file);
  const call = `${name}(...${JSON.stringify(args)})`;
  const script = `import { ${name} } from '${module}'; process.stdout.write(JSON.stringify(await ${call}) ?? 'null');`;
  const argv = [`--max-old-space-size=${HEAP_MB}`, '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  return JSON.parse(stdout);
}
