import type { HandlerInfo } from '../../sandbox/types.js';
import type { RuntimeHandler, StatusRequest, StatusResponse } from '../api/generated/index.js';
import type { DeepPartial } from '../api/wire.js';
import type { Unary } from './context.js';
import { info } from './info.js';

export const status: Unary<StatusRequest, StatusResponse> = async ({ pods, version }, request) => {
  const handlers = pods.handlers();
  const network = pods.networkReadiness();
  const usable = handlers.some((handler) => handler.isDefault && handler.available);
  const why = handlers.map(({ name, detail }) => `${name}: ${detail}`).join('; ');
  return {
    status: {
      conditions: [
        condition('RuntimeReady', usable, 'DefaultHandlerUnavailable', why),
        condition('NetworkReady', network.ready, network.reason, network.message),
      ],
    },
    runtimeHandlers: handlerMessages(handlers),
    features: { supplementalGroupsPolicy: true },
    info: request.verbose ? info({ version, handlers }) : {},
  };
};

function condition(type: string, ready: boolean, reason: string, message: string) {
  return ready ? { type, status: true } : { type, status: false, reason, message };
}

/** The unnamed handler is the default one's twin: it is what a pod without a RuntimeClass gets. */
function handlerMessages(handlers: readonly HandlerInfo[]): DeepPartial<RuntimeHandler>[] {
  const available = handlers.filter((handler) => handler.available);
  const unnamed = available.filter((handler) => handler.isDefault).map((handler) => ({ ...handler, name: '' }));
  return [...unnamed, ...available].map(({ name, recursiveReadOnly, userNamespaces }) => ({
    name,
    features: { recursiveReadOnlyMounts: recursiveReadOnly, userNamespaces },
  }));
}
