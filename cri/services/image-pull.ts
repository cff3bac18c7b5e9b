import type { RegistryAuth } from '../../runtime/images/types.js';
import type { AuthConfig, PullImageRequest, PullImageResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { imageOf } from './translate/container-config.js';

export const pullImage: Unary<PullImageRequest, PullImageResponse> = async ({ images }, request, signal) => {
  const { image } = imageOf(request.image, 'image');
  const auth = authOf(request.auth);
  const record = await images.pull(image, { signal, ...(auth === undefined ? {} : { auth }) });
  return { imageRef: record.id };
};

function authOf(message: AuthConfig | undefined): RegistryAuth | undefined {
  if (message === undefined) return undefined;
  const { username, password, auth, serverAddress, identityToken, registryToken } = message;
  return { username, password, auth, serverAddress, identityToken, registryToken };
}
