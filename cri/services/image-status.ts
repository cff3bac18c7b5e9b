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
    info: request.verbose ? info({ imageSpec: { config: run }, chainIDs: chain }) : {},
  };
};
