/** The OCI image layout (image-spec image-layout.md) in which other tools read the blob store; made from the catalogue. */

import type { CatalogImage } from './catalog.js';

export const OCI_LAYOUT = '{"imageLayoutVersion":"1.0.0"}\n';

/** index.json: one entry per name, for a layout has one name per descriptor. */
export function indexOf(images: readonly CatalogImage[]): string {
  const manifests = images.flatMap(({ tags, digests, manifest }) => {
    const { mediaType, digest, size, platform } = manifest;
    const names = tags.length > 0 ? tags : digests;
    return names.map((name) => ({
      mediaType,
      digest,
      size,
      ...(platform === undefined ? {} : { platform }),
      annotations: { 'org.opencontainers.image.ref.name': name, 'io.containerd.image.name': name },
    }));
  });
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  return `${JSON.stringify(index, null, 1)}\n`;
}
