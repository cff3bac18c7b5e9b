import { boundOrShared, isWithin, type Kind } from '../kind.js';

/** A named volume of Docker or Podman: `<data root>/volumes/<name>/_data`, exactly. It outlives the pod. */
export const dockerVolume: Kind = {
  kind: 'docker-volume',
  matches: (facts, { dockerRoots }) => {
    for (const root of dockerRoots) {
      const volumes = root.endsWith('/volumes') ? root : `${root.replace(/\/+$/, '')}/volumes`;
      if (!isWithin(facts.realPath, volumes)) continue;
      const below = facts.realPath.slice(volumes.length + 1).split('/');
      if (below.length === 2 && below[1] === '_data') return `it is the volume "${below[0]}" of the data root ${root}`;
    }
    return undefined;
  },
  route: boundOrShared,
};
