import assert from 'node:assert/strict';
import { test } from 'node:test';
import { images } from '../../../../cri/cli/commands/images.js';
import type { ImageRecord } from '../../../../runtime/images/types.js';
import { startFakeService } from '../../../support/fake-service.js';
import { invocation, printed, rowsOf } from './printed.js';

const RUN = { user: '', env: [], entrypoint: [], cmd: [], workingDir: '', stopSignal: '', labels: {}, volumes: [] };
const image = (digit: string, tags: readonly string[], more: Partial<ImageRecord> = {}): ImageRecord => ({
  ...{ id: `sha256:${digit.repeat(64)}`, tags, digests: [`x.io/app@sha256:${digit.repeat(64)}`], size: 1_500_000 },
  ...{ pinned: false, run: RUN, chain: [], annotations: {}, ...more },
});
const LIST = [
  image('b', ['x.io/z:1', 'x.io/a:1']),
  image('c', []),
  image('d', [], { digests: [] }),
  image('e', ['x.io/m:1'], { pinned: true, size: 0 }),
];
const { address } = await startFakeService({}, { list: () => LIST });

test('a line for each name, in their order; an image without a tag by its digest, one without any all the same', async (t) => {
  const rows = rowsOf(await printed(t, () => images(invocation(address))));
  assert.deepEqual(rows, [
    ['<none>', 'd'.repeat(13), '1.50MB'],
    ['x.io/a:1', 'b'.repeat(13), '1.50MB'],
    [`x.io/app@sha256:${'c'.repeat(64)}`, 'c'.repeat(13), '1.50MB'],
    ['x.io/m:1', 'e'.repeat(13), '0B', 'pinned'],
    ['x.io/z:1', 'b'.repeat(13), '1.50MB'],
  ]);
});

test('as JSON each image is there once, its size as protobuf writes it', async (t) => {
  const list = JSON.parse((await printed(t, () => images(invocation(address, true)))).stdout);
  assert.equal(list.length, LIST.length);
  assert.deepEqual([list[0].repoTags, list[0].size], [['x.io/z:1', 'x.io/a:1'], '1500000']);
});
