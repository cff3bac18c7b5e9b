import { boundOrShared, type Kind } from '../kind.js';

/** Everything else: hostPath, CSI, NFS, the kubelet's own /etc/hosts. */
export const bind: Kind = {
  kind: 'bind',
  matches: () => 'nothing tells it from any other path of the host',
  routes: boundOrShared,
};
