/**
 * What a person sees while an image is pulled. PullImage says nothing until it is done; so this shows the time and how
 * much the image file system has grown meanwhile, which counts other pulls too.
 */

import type { CriClient } from '../client.js';
import { humanSize } from './output.js';

const TICK_MS = 200;
/** Every so many ticks the daemon is asked. */
const TICKS_PER_QUESTION = 5;
const FRAMES = ['|', '/', '-', '\\'];

/** Pulls, showing progress on stderr where that is a terminal. Returns the image's reference. `signal` ends the pull. */
export async function pullWithProgress(cri: CriClient, image: string, signal?: AbortSignal): Promise<string> {
  const pull = async () => {
    const options = { timeoutMs: 0, ...(signal === undefined ? {} : { signal }) };
    return (await cri.images.pullImage({ image: { image, userSpecifiedImage: image } }, options)).imageRef;
  };
  if (!process.stderr.isTTY) return pull();
  const progress = new PullProgress(cri, image);
  await progress.begin();
  try {
    return await pull();
  } finally {
    progress.end();
  }
}

class PullProgress {
  readonly #cri: CriClient;
  readonly #image: string;
  readonly #startedAt = performance.now();
  #before = 0;
  #now = 0;
  #ticks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(cri: CriClient, image: string) {
    this.#cri = cri;
    this.#image = image;
  }

  async begin(): Promise<void> {
    this.#before = await this.#used();
    this.#now = this.#before;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    process.stderr.write('\r\x1b[K');
  }

  #tick(): void {
    this.#ticks += 1;
    if (this.#ticks % TICKS_PER_QUESTION === 0) void this.#used().then((bytes) => (this.#now = bytes));
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1);
    const grown = Math.max(0, this.#now - this.#before);
    const size = grown === 0 ? '' : `, ${humanSize(grown)} on disk`;
    process.stderr.write(`\r\x1b[K${FRAMES[this.#ticks % FRAMES.length]} pulling ${this.#image}: ${seconds}s${size}`);
  }

  async #used(): Promise<number> {
    try {
      const { imageFilesystems } = await this.#cri.images.imageFsInfo({});
      return imageFilesystems.reduce((sum, { usedBytes }) => sum + Number(usedBytes?.value ?? 0n), 0);
    } catch {
      return this.#now; // only a display
    }
  }
}
