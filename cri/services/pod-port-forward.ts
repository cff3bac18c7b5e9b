import { CribError } from '../../runtime/errors.js';
import type { PortForwardRequest, PortForwardResponse } from '../api/generated/index.js';
import type { Unary } from './context.js';
import { idOf, integer } from './validate.js';

/** `port` is for WebSocket clients without SPDY; a SPDY client names the port of each connection. */
export const portForward: Unary<PortForwardRequest, PortForwardResponse> = async ({ pods, streaming }, request) => {
  const { id, state } = pods.podStatus(idOf(request.podSandboxId, 'pod_sandbox_id'));
  const ports = request.port.map((port, index) => integer(port, `port[${index}]`, 1, 65_535));
  if (state !== 'ready') throw new CribError('FAILED_PRECONDITION', `forwarding ports of pod ${id}: it is not ready`);
  return { url: streaming.urlFor({ kind: 'portforward', podId: id, ports }) };
};
