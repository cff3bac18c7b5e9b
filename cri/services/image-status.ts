import type { ImageRunConfig } from '../../runtime/images/types.js';
import type { ImageStatusRequest, ImageStatusResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { info } from './info.js';
import { imageOf } from './translate/container-config.js';
import { imageMessage } from './translate/image.js';

/** An image that is not there is an empty answer, not an error (CRI, ImageStatusResponse). */
export const imageStatus: Unary<ImageStatusRequest, ImageStatusResponse> = async ({ images }, request) => {
  const found = images.find(imageOf(request.image, 'image').image);
  if (found === undefined) return {};
  const { run, chain } = found;
  return {
    image: imageMessage(found),
    info: request.verbose ? info({ imageSpec: { config: ociConfig(run) }, chainIDs: chain }) : {},
  };
};

/** By the names of the image specification (config.md, "config"), which tools look for; without what is not set. */
function ociConfig(run: ImageRunConfig): Record<string, unknown> {
  const { user, env, entrypoint, cmd, workingDir, stopSignal, labels } = run;
  const Volumes = Object.fromEntries(run.volumes.map((path) => [path, {}]));
  const config = {
    ...{ User: user, Env: env, Entrypoint: entrypoint, Cmd: cmd, WorkingDir: workingDir, StopSignal: stopSignal },
    ...{ Labels: labels, Volumes },
  };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => Object.keys(value).length > 0));
}
