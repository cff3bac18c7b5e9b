/** Runtime handlers by name: what a RuntimeClass may ask for on this node. */

import { CribError } from '../runtime/errors.js';
import type { SandboxBackend } from './backend.js';
import type { HandlerInfo } from './types.js';

export interface Handler {
  readonly name: string;
  /** undefined where it cannot run here; `detail` says why then. */
  readonly backend: SandboxBackend | undefined;
  readonly detail: string;
}

export class Handlers {
  readonly #byName = new Map<string, Handler>();
  readonly #default: string;

  /** `defaultName` is what the empty handler of a pod without a RuntimeClass means. */
  constructor(handlers: readonly Handler[], defaultName: string) {
    for (const handler of handlers) this.#byName.set(handler.name, handler);
    this.#default = defaultName;
  }

  /** The name to record for a requested one. Throws when there is no such handler, or it cannot run here. */
  resolve(requested: string): string {
    const name = requested === '' ? this.#default : requested;
    this.get(name);
    return name;
  }

  get(name: string): SandboxBackend {
    const handler = this.#byName.get(name);
    if (handler === undefined) {
      const known = [...this.#byName.keys()].join(', ');
      throw new CribError(
        'INVALID_ARGUMENT',
        `runtime_handler ${JSON.stringify(name)} is unknown; there are: ${known}`,
      );
    }
    if (handler.backend === undefined) {
      throw new CribError('FAILED_PRECONDITION', `runtime_handler ${name} cannot run on this host: ${handler.detail}`);
    }
    return handler.backend;
  }

  list(): HandlerInfo[] {
    return [...this.#byName.values()].map(({ name, backend, detail }) => ({
      name,
      available: backend !== undefined,
      detail,
      recursiveReadOnly: backend?.capabilities.recursiveReadOnly ?? false,
      userNamespaces: backend?.capabilities.idmap ?? false,
    }));
  }
}
