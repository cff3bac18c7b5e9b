/** The layers of a large image, the same bytes every time: files of many sizes, a third of each noise, as programs compress. */

import crypto from 'node:crypto';
import { directory, file, type TarItem, tar } from '../support/tar-writer.js';

export const LAYERS = 8;
export const LAYER_BYTES = 64 << 20;

/** Layer `index` as an uncompressed tar of a little more than LAYER_BYTES. */
export function layerTar(index: number): Buffer {
  const noise = crypto.createHash('sha512').update(`${index}`).digest();
  const cipher = crypto.createCipheriv('aes-128-ctr', noise.subarray(0, 16), noise.subarray(16, 32));
  const items: TarItem[] = [];
  let bytes = 0;
  for (let i = 0; bytes < LAYER_BYTES; i++) {
    if (i % 50 === 0) items.push(directory(`l${index}/d${i / 50}`));
    const size = i % 100 === 0 ? 4 << 20 : 1000 + ((i * 7919) % 40_000);
    const content = Buffer.alloc(size, `line ${i} of a text that is always the same\n`);
    cipher.update(Buffer.alloc(Math.floor(size / 3))).copy(content);
    items.push(file(`l${index}/d${Math.floor(i / 50)}/f${i}`, content, { mode: 0o755 }));
    bytes += size;
  }
  return tar(items);
}
