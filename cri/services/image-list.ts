import type { ImageStore } from '../../runtime/images/types.js';
import {
  Image,
  type ImageFilter,
  type ListImagesRequest,
  type ListImagesResponse,
  type StreamImagesRequest,
  type StreamImagesResponse,
} from '../api/generated/index.js';
import { batches } from './batches.js';
import type { ServerStream, Unary } from './context.js';
import { imageMessage } from './translate/image.js';
import { noNul } from './validate.js';

export const listImages: Unary<ListImagesRequest, ListImagesResponse> = async ({ images }, request) => {
  return { images: select(images, request.filter) };
};

export const streamImages: ServerStream<StreamImagesRequest, StreamImagesResponse> = async function* (
  { images },
  request,
) {
  for (const part of batches(select(images, request.filter), Image)) yield { images: part };
};

/** A filter names one image; an empty one is no filter. */
function select(images: ImageStore, filter: ImageFilter | undefined) {
  const wanted = noNul(filter?.image?.image ?? '', 'filter.image.image');
  if (wanted === '') return images.list().map(imageMessage);
  const found = images.find(wanted);
  return found === undefined ? [] : [imageMessage(found)];
}
