/** `crib rmi`: removes images. An image that is not there is an error here, unlike in the CRI. */

import { CribError } from '../../../runtime/errors.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { toJson } from '../output.js';

export async function rmi(invocation: Invocation, names: readonly string[]): Promise<void> {
  await withDaemon(invocation, async (cri) => {
    for (const name of names) {
      const { image } = await cri.images.imageStatus({ image: { image: name } });
      if (image === undefined) throw new CribError('NOT_FOUND', `there is no image ${name}; see crib images`);
      await cri.images.removeImage({ image: { image: name } });
      if (!invocation.json) process.stdout.write(`${name}\n`);
    }
  });
  if (invocation.json) process.stdout.write(`${toJson(names)}\n`);
}
