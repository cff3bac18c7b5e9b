/** Huge pages of a cgroup: one set of files for each size that the host has (cgroup-v2.rst, hugetlb). */

import fs from 'node:fs/promises';
import { readNumber } from './files.js';
import type { HugePageUsage } from './types.js';

/** Sizes by the cgroup's own files; a host does not gain any while it runs. */
const sizes = new Map<string, readonly string[]>();

/** `files` are the ends of their names: `hugetlb.2MB.<usage>`. Empty where the controller is not there. */
export async function hugePagesOf(
  directory: string,
  files: { readonly usage: string; readonly max: string | undefined },
): Promise<HugePageUsage[]> {
  const known = sizes.get(files.usage) ?? (await sizesIn(directory, files.usage));
  const found = await Promise.all(
    known.map(async (pageSize) => ({
      pageSize,
      usage: await readNumber(`${directory}/hugetlb.${pageSize}.${files.usage}`),
      maxUsage: files.max === undefined ? undefined : await readNumber(`${directory}/hugetlb.${pageSize}.${files.max}`),
    })),
  );
  return found.flatMap(({ usage, ...rest }) => (usage === undefined ? [] : [{ ...rest, usage }]));
}

async function sizesIn(directory: string, usage: string): Promise<readonly string[]> {
  const names = await fs.readdir(directory).catch((): string[] => []);
  const found = names.flatMap((name) => {
    const match = /^hugetlb\.([^.]+)\.(.+)$/.exec(name);
    return match?.[1] !== undefined && match[2] === usage ? [match[1]] : [];
  });
  if (found.length > 0) sizes.set(usage, found);
  return found;
}
