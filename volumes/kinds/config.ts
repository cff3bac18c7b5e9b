import { BOUND, type Kind, SHARED } from '../kind.js';

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
  routes: ({ guest, watchedCopies }) => {
    if (!guest) return [BOUND];
    const shared = { ...SHARED, reason: 'it is shared from the host: new content appears, but inotify does not fire' };
    if (watchedCopies !== true) return [shared];
    const reason = 'it is copied into the sandbox and kept in step, so that inotify works there';
    return [{ route: 'guest-local', reason }, shared];
  },
  readByAll: true,
};
