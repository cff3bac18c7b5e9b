/** Images as the CRI shows them. */

import type { ImageRecord } from '../../../runtime/images/types.js';
import type * as api from '../../api/generated/index.js';
import type { DeepPartial } from '../../api/wire.js';

/** `uid` where the image's user is a number, `username` where it is a name (CRI, Image). */
export function imageMessage(image: ImageRecord): DeepPartial<api.Image> {
  return {
    id: image.id,
    repoTags: image.tags,
    repoDigests: image.digests,
    size: BigInt(image.size),
    pinned: image.pinned,
    spec: { image: image.tags[0] ?? image.digests[0] ?? image.id, annotations: image.annotations },
    ...user(image.run.user),
  };
}

function user(text: string): DeepPartial<Pick<api.Image, 'uid' | 'username'>> {
  const name = text.split(':')[0] ?? '';
  if (name === '') return {};
  return /^\d{1,10}$/.test(name) ? { uid: { value: BigInt(name) } } : { username: name };
}
