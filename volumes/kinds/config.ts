import { boundOrShared, type Kind } from '../kind.js';
import { enclosingPlugin } from './empty-dir-path.js';

/** Plugins whose volumes the kubelet writes and goes on updating by `..data` swaps. */
const PLUGINS = new Map([
  ['configmap', 'configMap'],
  ['secret', 'secret'],
  ['projected', 'projected'],
  ['downward-api', 'downwardAPI'],
]);

/** configMap, secret, projected and downwardAPI, and subPaths of them. */
export const config: Kind = {
  kind: 'config',
  matches: (facts) => {
    const plugin = PLUGINS.get(enclosingPlugin(facts.realPath) ?? '');
    return plugin === undefined ? undefined : `it lies in a ${plugin} volume of the kubelet`;
  },
  route: boundOrShared,
};
