/** An image store in a directory of its own that goes with the test. */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { RegistryClient } from '../../../runtime/images/registry-types.js';
import { createImageStore, type ImageStoreOptions } from '../../../runtime/images/store.js';
import type { ImageStore } from '../../../runtime/images/types.js';
import type { Log } from '../../../runtime/log.js';

export const QUIET: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-images-'));
  t.after(async () => {
    for (const { root, store } of opened) if (root.startsWith(directory)) await store.close();
    await fs.rm(directory, { recursive: true, force: true });
  });
  return directory;
}

/** What a test has not closed itself is closed before its directory goes. */
const opened: { readonly root: string; readonly store: ImageStore }[] = [];

/** Opened, and closed when the test ends. */
export async function openStore(
  t: TestContext,
  root: string,
  registry: RegistryClient,
  more: Partial<ImageStoreOptions> = {},
): Promise<ImageStore> {
  const store = createImageStore({ root, registry, layersInUse: () => new Set(), pinned: [], log: QUIET, ...more });
  await store.open();
  opened.push({ root, store });
  t.after(() => store.close());
  return store;
}
