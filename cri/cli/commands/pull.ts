/** `crib pull`: pulls an image and prints its reference. */

import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { toJson } from '../output.js';
import { pullWithProgress } from '../pull-progress.js';

export async function pull(invocation: Invocation, image: string): Promise<void> {
  const imageRef = await withDaemon(invocation, (cri) => pullWithProgress(cri, image));
  process.stdout.write(`${invocation.json ? toJson({ image, imageRef }) : imageRef}\n`);
}
