/** `crib images`: the images, one line per tag. */

import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { humanSize, shortId, table, toJson } from '../output.js';

export async function images(invocation: Invocation): Promise<void> {
  const { images: list } = await withDaemon(invocation, (cri) => cri.images.listImages({}));
  if (invocation.json) {
    process.stdout.write(`${toJson(list)}\n`);
    return;
  }
  const rows = list.flatMap((image) => {
    const names = image.repoTags.length > 0 ? image.repoTags : image.repoDigests.slice(0, 1);
    return (names.length > 0 ? names : ['<none>']).map((name) => [
      name,
      shortId(image.id),
      humanSize(Number(image.size)),
      image.pinned ? 'pinned' : '',
    ]);
  });
  rows.sort(([a = ''], [b = '']) => a.localeCompare(b));
  process.stdout.write(`${table(['IMAGE', 'ID', 'SIZE', ''], rows)}\n`);
}
