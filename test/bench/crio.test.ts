import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { crioConfig } from './crio.js';

test("CRI-O's configuration keeps everything in its own directory and pulls from the registry on loopback", () => {
  const text = crioConfig({ dir: '/d', cniConfDir: '/d/cni-o', registry: '127.0.0.1:5000', ociRuntime: '/bin/runc' });
  const { crio } = JSON.parse(JSON.stringify(parse(text))) as { crio: Record<string, Record<string, unknown>> };
  assert.equal(crio.image?.pause_image, '127.0.0.1:5000/crib-test/pause:1');
  assert.deepEqual(crio.image?.insecure_registries, ['127.0.0.1:5000']);
  assert.deepEqual(crio.runtime?.runtimes, { runc: { runtime_path: '/bin/runc', runtime_root: '/d/state/runc' } });
  const paths = [...text.matchAll(/= "(\/[^"]*)"/g)].map((match) => match[1] ?? '');
  assert.deepEqual(
    paths.filter((path) => !path.startsWith('/d/')),
    ['/bin/runc'],
  );
});
