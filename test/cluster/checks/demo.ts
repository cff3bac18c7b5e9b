/** manifests/pods/demo.yaml, as `crib run` and `npm run demo` run it, by a kubelet. */

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Check, sh } from '../check.js';
import type { Manifest } from '../manifest.js';
import { eventually } from '../wait.js';
import { page } from './security.js';

interface DemoVolume {
  readonly name: string;
  readonly configMap?: { readonly data: Readonly<Record<string, string>> };
}

const demo: Check = {
  name: 'manifests/pods/demo.yaml',
  run: async (node) => {
    const text = (await readFile('manifests/pods/demo.yaml', 'utf8')).replaceAll('DEMO_IMAGE', node.images.busybox);
    const manifest = parse(text) as Manifest;
    // A static pod may name no configMap, for that is the API server's: the literal files become a directory.
    const settings = join(node.dir, 'shared', 'settings');
    await mkdir(settings);
    const volumes = (manifest.spec.volumes as DemoVolume[]).map((volume) => {
      const { name, configMap } = volume;
      return configMap === undefined ? volume : { name, hostPath: { path: settings }, data: configMap.data };
    });
    for (const volume of volumes) {
      if (!('data' in volume)) continue;
      for (const [file, content] of Object.entries(volume.data)) await writeFile(join(settings, file), content);
      Reflect.deleteProperty(volume, 'data');
    }
    const pod = await node.applyAndWait({ ...manifest, spec: { ...manifest.spec, volumes } });
    await eventually('the page is served on a port of the host', async () => {
      return (await page('127.0.0.1', 18080, '/'))?.includes('Hello from a pod') === true;
    });
    await eventually('the other container has written its page', async () => {
      return /UTC/.test((await page('127.0.0.1', 18080, '/time.txt')) ?? '');
    });
    assert.match(await node.api.logs(pod, 'clock'), /ticking for demo/);
    assert.match(await node.api.logs(pod, 'prepare'), /the page is written/);
    assert.match(await sh(node, pod, 'cat /scratch/now', 'web'), /UTC/);
    await node.removeAndWait('demo');
  },
};

export const DEMO: readonly Check[] = [demo];
