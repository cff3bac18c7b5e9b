import type { VersionRequest, VersionResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';

/** The version of the kubelet's runtime API, which has been this for every client there is. */
const KUBELET_API_VERSION = '0.1.0';

export const version: Unary<VersionRequest, VersionResponse> = async (context) => ({
  version: KUBELET_API_VERSION,
  runtimeName: 'crib',
  runtimeVersion: context.version,
  runtimeApiVersion: 'v1',
});
