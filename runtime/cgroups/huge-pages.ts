/** Huge pages of a cgroup: one set of files for each size that the host has (cgroup-v2.rst, hugetlb). */

import fs from 'node:fs';
import { readSmallFile } from '../small-files.js';
import { parseNumber } from './files.js';
import type { HugePageUsage } from './types.js';

/** Sizes by the cgroup's own files; a host does not gain any while it runs. */
const sizes = new Map<string, readonly string[]>();

/** `files` are the ends of their names: `hugetlb.2MB.<usage>`. Empty where the controller is not there. */
export function hugePagesOf(
  directory: string,
  files: { readonly usage: string; readonly max: string | undefined },
): HugePageUsage[] {
  const known = sizes.get(files.usage) ?? sizesIn(directory, files.usage);
  return known.flatMap((pageSize) => {
    const number = (file: string) => parseNumber(readSmallFile(`${directory}/hugetlb.${pageSize}.${file}`));
    const usage = number(files.usage);
    if (usage === undefined) return [];
    return [{ pageSize, usage, maxUsage: files.max === undefined ? undefined : number(files.max) }];
  });
}

function sizesIn(directory: string, usage: string): readonly string[] {
  const names = namesIn(directory);
  const found = names.flatMap((name) => {
    const match = /^hugetlb\.([^.]+)\.(.+)$/.exec(name);
    return match?.[1] !== undefined && match[2] === usage ? [match[1]] : [];
  });
  if (found.length > 0) sizes.set(usage, found);
  return found;
}

function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return []; // the cgroup has gone
  }
}
