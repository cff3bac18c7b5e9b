import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FileDigest } from '../../../volumes/verity/file-digest.js';

/** What `fsverity digest` of fsverity-utils 1.5 prints for a file of so many letters x. */
const KNOWN = [
  [0, '3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95'],
  [1, 'dbbdfa9d606f7adeaa7f16dcfb0d49161c4cfb82d9d51cfb5cb43fa3dacb9e5b'],
  [4095, '11a482c4a3012f101c9013c35072065b676d1b7366c35525f46a2894994076fa'],
  [4096, '3f128b8d5a052638172857f47f0110dc2fc2c234dc0c712c08a3bc6f6c540483'],
  [4097, 'f54d7eca1ac49ae471f4abedb0d9309f0b84a51ec5c1733e3abb2aaf9f66c4ad'],
  [524_288, 'fcaf1ae16ac8b4ca5217ed37818cca018924841f0083e50267b7dc82bdf3adaa'], // 128 blocks: one block of hashes, full
  [524_289, '7321b423e2b765c00796ae1e5b0be1dbba66e2e76f0e06e0d6ea4f14142d8783'],
  [1_000_000, '56671b321993cb8fec39556d6c76a252d5691b982442d1c0cdedf24fe2b1eb30'],
  [70_000_000, 'c8dc9dbf421f2ee50a1972e8dcdfde36588f23c75340e243237d67851e7e5e2e'], // three levels
] as const;

it('is the digest that the kernel and fsverity-utils compute', () => {
  for (const [size, expected] of KNOWN) {
    const digest = new FileDigest();
    for (let left = size; left > 0; left -= 262_144) digest.update(Buffer.alloc(Math.min(left, 262_144), 'x'));
    assert.equal(digest.digest().toString('hex'), expected, String(size));
  }
});

it('changes with one bit anywhere, and with the size alone', () => {
  const of = (content: Buffer) => {
    const digest = new FileDigest();
    digest.update(content);
    return digest.digest().toString('hex');
  };
  const content = Buffer.alloc(10_000);
  const digests = new Set([of(content), of(Buffer.alloc(10_001)), of(Buffer.alloc(9_999))]);
  for (const place of [0, 4095, 4096, 9_999]) {
    content[place] = 1;
    digests.add(of(content));
    content[place] = 0;
  }
  assert.equal(digests.size, 7);
});
