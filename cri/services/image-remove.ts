import type { RemoveImageRequest, RemoveImageResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { imageOf } from './translate/container-config.js';

/** Removing what is not there is no error (CRI, RemoveImage). */
export const removeImage: Unary<RemoveImageRequest, RemoveImageResponse> = async ({ images }, request) => {
  await images.remove(imageOf(request.image, 'image').image);
  return {};
};
