/** Runtime handlers by name: what a RuntimeClass may ask for on this node. */

import { CribError } from '../runtime/errors.js';
import type { SandboxBackend } from './backend.js';
import type { HandlerInfo } from './types.js';

export interface Handler {
  readonly name: string;
  /** undefined where it cannot run here; `detail` says why then. */
  readonly backend: SandboxBackend | undefined;
  readonly detail: string;
  /** The handler that its containers are of, where it is only another name of that: `host` is `crun` or `runc`. */
  readonly runtime?: string;
  /** While it is still being tried: what comes of that. Never rejects. */
  readonly trial?: Promise<Handler>;
}

export class Handlers {
  readonly #byName = new Map<string, Handler>();
  readonly #default: string;
  readonly #leftovers: (name: string) => SandboxBackend | undefined;
  readonly #gone = new Map<string, SandboxBackend>();

  /**
   * `defaultName` is what the empty handler of a pod without a RuntimeClass means. Throws INVALID_ARGUMENT where it is
   * none of `handlers`; one that cannot run here is taken, and makes the node not ready. `leftovers` takes away what there
   * is of pods of a handler that is gone, or cannot run here any more.
   */
  constructor(
    handlers: readonly Handler[],
    defaultName: string,
    leftovers: (name: string) => SandboxBackend | undefined = () => undefined,
  ) {
    this.#leftovers = leftovers;
    for (const handler of handlers) {
      this.#byName.set(handler.name, handler);
      void handler.trial?.then((tried) => this.#byName.set(handler.name, tried));
    }
    this.#default = defaultName;
    if (!this.#byName.has(defaultName)) throw this.#unknown('default_handler', defaultName);
  }

  /** Resolves when it is known whether the handler can run here; at once where there is none of that name. */
  async tried(requested: string): Promise<void> {
    await this.#byName.get(requested === '' ? this.#default : requested)?.trial;
  }

  /** The name to record for a requested one. Throws when there is no such handler, or it cannot run here. */
  resolve(requested: string): string {
    const name = requested === '' ? this.#default : requested;
    this.get(name);
    return name;
  }

  get(name: string): SandboxBackend {
    const handler = this.#byName.get(name);
    if (handler === undefined) throw this.#unknown('runtime_handler', name);
    if (handler.backend === undefined) {
      throw new CribError('FAILED_PRECONDITION', `runtime_handler ${name} cannot run on this host: ${handler.detail}`);
    }
    return handler.backend;
  }

  /** For a pod or container that is there already: it must go also where its handler can run nothing any more. */
  existing(name: string): SandboxBackend {
    const backend = this.#byName.get(name)?.backend ?? this.#gone.get(name);
    if (backend !== undefined) return backend;
    const leftovers = this.#leftovers(name);
    if (leftovers === undefined) return this.get(name);
    this.#gone.set(name, leftovers);
    return leftovers;
  }

  /** What a new container of the handler is recorded by, so that it stays with the runtime that has started it. */
  runtimeOf(name: string): string {
    return this.#byName.get(name)?.runtime ?? name;
  }

  /** Lets go of what the backends hold; their pods go on. */
  close(): void {
    for (const { backend } of this.#byName.values()) backend?.close();
    for (const backend of this.#gone.values()) backend.close();
  }

  /** Those that can run here. */
  backends(): SandboxBackend[] {
    return [...this.#byName.values()].flatMap(({ backend }) => backend ?? []);
  }

  list(): HandlerInfo[] {
    return [...this.#byName.values()].map(({ name, backend, detail }) => ({
      name,
      isDefault: name === this.#default,
      available: backend !== undefined,
      detail,
      recursiveReadOnly: backend?.capabilities.recursiveReadOnly ?? false,
      userNamespaces: backend?.capabilities.idmap ?? false,
    }));
  }

  #unknown(field: string, name: string): CribError {
    const known = [...this.#byName.keys()].join(', ');
    return new CribError('INVALID_ARGUMENT', `${field} ${JSON.stringify(name)} is unknown; there are: ${known}`);
  }
}
