import {
  CgroupDriver,
  type RuntimeConfigRequest,
  type RuntimeConfigResponse,
  type UpdateRuntimeConfigRequest,
  type UpdateRuntimeConfigResponse,
} from '../api/generated/index.js';
import type { Unary } from './context.js';

export const runtimeConfig: Unary<RuntimeConfigRequest, RuntimeConfigResponse> = async ({ pods }) => ({
  linux: { cgroupDriver: pods.cgroupDriver === 'systemd' ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS },
});

/** The pod CIDR that a kubelet tells is for network plug-ins that crib does not have: accepted, and without effect. */
export const updateRuntimeConfig: Unary<UpdateRuntimeConfigRequest, UpdateRuntimeConfigResponse> = async () => ({});
