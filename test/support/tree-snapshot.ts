/** A tree as text, to be compared with itself later: nothing in it was made, changed or removed meanwhile. */

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** One line an entry: path, type and mode, owner, links, and a digest of the content or the target of a link. */
export function treeSnapshot(root: string): string {
  return [...lines(root, '.')].join('\n');
}

function* lines(root: string, name: string): Generator<string> {
  const file = path.join(root, name);
  const stat = fs.lstatSync(file);
  const facts = [stat.mode.toString(8), stat.uid, stat.gid, stat.isDirectory() ? '-' : stat.nlink];
  yield `${name} ${facts.join(' ')} ${contentOf(file, stat)}`;
  if (!stat.isDirectory()) return;
  for (const child of fs.readdirSync(file).sort()) yield* lines(root, path.join(name, child));
}

function contentOf(file: string, stat: fs.Stats): string {
  if (stat.isSymbolicLink()) return fs.readlinkSync(file);
  if (!stat.isFile()) return '-';
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}
