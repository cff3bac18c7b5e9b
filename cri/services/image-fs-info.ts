import type { ImageFsInfoRequest, ImageFsInfoResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { filesystemUsage } from './translate/stats.js';

export const imageFsInfo: Unary<ImageFsInfoRequest, ImageFsInfoResponse> = async ({ images, pods }) => {
  const [imageUsage, layerUsage] = await Promise.all([images.usage(), pods.writableLayersUsage()]);
  return {
    imageFilesystems: [filesystemUsage(imageUsage)],
    containerFilesystems: [filesystemUsage(layerUsage)],
  };
};
