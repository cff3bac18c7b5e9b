import { boundOrShared, type Kind } from '../kind.js';

/** Plugins whose volumes the kubelet writes and goes on updating by `..data` swaps (pkg/volume/util/atomic_writer.go). */
const PLUGINS = new Map([
  ['configmap', 'configMap'],
  ['secret', 'secret'],
  ['projected', 'projected'],
  ['downward-api', 'downwardAPI'],
]);

/** configMap, secret, projected and downwardAPI, and subPaths of them. */
export const config: Kind = {
  kind: 'config',
  matches: ({ volume }) => {
    const plugin = PLUGINS.get(volume?.plugin ?? '');
    return plugin === undefined ? undefined : `it lies in a ${plugin} volume of the kubelet`;
  },
  routes: boundOrShared,
};
