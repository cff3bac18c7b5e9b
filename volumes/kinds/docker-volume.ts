import path from 'node:path';
import { boundOrShared, type Kind } from '../kind.js';

/** A named volume of Docker or Podman (data-root.ts). It outlives the pod. */
export const dockerVolume: Kind = {
  kind: 'docker-volume',
  matches: ({ realPath, dataRoot }) =>
    dataRoot === undefined
      ? undefined
      : `it is the volume "${path.basename(path.dirname(realPath))}" of the data root ${dataRoot}`,
  routes: boundOrShared,
};
