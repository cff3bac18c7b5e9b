import { attempting } from '../../runtime/errors.js';
import { parseReference } from '../../runtime/images/reference.js';
import type { RegistryAuth } from '../../runtime/images/types.js';
import type { AuthConfig, PullImageRequest, PullImageResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { imageOf } from './translate/container-config.js';

export const pullImage: Unary<PullImageRequest, PullImageResponse> = async ({ images }, request, signal) => {
  const { image } = imageOf(request.image, 'image');
  checkReference(image, 'image.image');
  const auth = authOf(request.auth);
  const record = await images.pull(image, { signal, ...(auth === undefined ? {} : { auth }) });
  return { imageRef: record.id };
};

/** The store says what is wrong with a reference; here is said where it came from. */
function checkReference(image: string, field: string): void {
  try {
    parseReference(image);
  } catch (error) {
    throw attempting(field, error);
  }
}

function authOf(message: AuthConfig | undefined): RegistryAuth | undefined {
  if (message === undefined) return undefined;
  const { username, password, auth, serverAddress, identityToken, registryToken } = message;
  return { username, password, auth, serverAddress, identityToken, registryToken };
}
