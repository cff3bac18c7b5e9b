/** One pull's conversation with a registry and its mirrors. */

import type { Readable } from 'node:stream';
import { CribError } from '../../errors.js';
import { isDigest, repositoryName } from '../reference.js';
import type { Descriptor, ManifestBody, Reference, RegistrySession } from '../registry-types.js';
import type { RegistryAuth } from '../types.js';
import { Authorizer } from './authorizer.js';
import { openBlob } from './blob.js';
import { credentialsFor } from './credential-lookup.js';
import type { Capability, Endpoint } from './endpoint.js';
import { Exchange } from './exchange.js';
import { RegistryFailure } from './failure.js';
import { loadEndpoints } from './hosts.js';
import { fetchManifest } from './manifest.js';
import { type RetryPolicy, Rotation } from './rotation.js';
import { Transport, type TransportOptions } from './transport.js';

export interface SessionOptions extends TransportOptions {
  readonly certsDir: string;
  readonly dockerConfigPaths: readonly string[];
}

export class Session implements RegistrySession {
  readonly #reference: Reference;
  readonly #policy: RetryPolicy;
  readonly #certsDir: string;
  readonly #exchange: Exchange;
  /** Endpoints that could not be reached: asked last from then on. */
  readonly #unreachable = new Set<Endpoint>();
  #endpoints: Promise<Endpoint[]> | undefined;

  constructor(options: SessionOptions, reference: Reference, auth: RegistryAuth | undefined) {
    this.#reference = reference;
    this.#policy = options.policy;
    this.#certsDir = options.certsDir;
    const transport = new Transport(options);
    const { stallMs } = options.policy;
    const authorizer = new Authorizer({
      transport,
      credentials: (endpoint, signal) => credentialsFor(endpoint, reference, auth, options.dockerConfigPaths, signal),
      scope: `repository:${reference.path}:pull`,
      stallMs,
    });
    this.#exchange = new Exchange(transport, authorizer, stallMs);
  }

  /** Throws INVALID_ARGUMENT, NOT_FOUND, UNAUTHENTICATED, PERMISSION_DENIED, DATA_LOSS, UNAVAILABLE, CANCELLED. */
  async manifest(tagOrDigest: string, signal: AbortSignal): Promise<ManifestBody> {
    const byDigest = isDigest(tagOrDigest);
    if (!byDigest && !/^\w[\w.-]{0,127}$/.test(tagOrDigest)) {
      throw new CribError(
        'INVALID_ARGUMENT',
        `${JSON.stringify(tagOrDigest.slice(0, 150))} is neither a tag nor a digest`,
      );
    }
    const name = `${repositoryName(this.#reference)}${byDigest ? '@' : ':'}${tagOrDigest}`;
    const rotation = await this.#rotation(`could not get the manifest of ${name}`, byDigest ? 'pull' : 'resolve');
    for (;;) {
      const endpoint = await rotation.next(signal);
      try {
        const { path } = this.#reference;
        return await fetchManifest(this.#exchange, endpoint, path, tagOrDigest, this.#policy.stallMs, signal);
      } catch (error) {
        rotation.failed(endpoint, error, signal);
        this.#note(endpoint, error);
      }
    }
  }

  /** Throws as `manifest` does; the stream fails with the same codes. */
  async blob(descriptor: Descriptor, offset: number, signal: AbortSignal): Promise<Readable> {
    if (!isDigest(descriptor.digest)) {
      throw new CribError(
        'INVALID_ARGUMENT',
        `${JSON.stringify(descriptor.digest.slice(0, 150))} is no sha256 or sha512 digest`,
      );
    }
    if (!Number.isSafeInteger(descriptor.size) || descriptor.size < 0) {
      throw new CribError('INVALID_ARGUMENT', `blob ${descriptor.digest}: ${descriptor.size} is no size`);
    }
    const name = `${repositoryName(this.#reference)}@${descriptor.digest}`;
    return openBlob({
      exchange: this.#exchange,
      rotation: await this.#rotation(`could not get the blob ${name}`, 'pull'),
      onFailure: (endpoint, error) => this.#note(endpoint, error),
      policy: this.#policy,
      repository: this.#reference.path,
      descriptor,
      offset,
      signal,
    });
  }

  async #rotation(what: string, capability: Capability): Promise<Rotation> {
    this.#endpoints ??= loadEndpoints(this.#certsDir, this.#reference.domain);
    const able = (await this.#endpoints).filter(({ capabilities }) => capabilities.has(capability));
    if (able.length === 0) {
      const reason = `no host in ${this.#certsDir} for ${this.#reference.domain} has the capability "${capability}"`;
      throw new CribError('FAILED_PRECONDITION', `${what}: ${reason}`);
    }
    const last = (endpoint: Endpoint): number => (this.#unreachable.has(endpoint) ? 1 : 0);
    return new Rotation(
      what,
      able.sort((one, other) => last(one) - last(other)),
      this.#policy,
    );
  }

  #note(endpoint: Endpoint, error: unknown): void {
    if (error instanceof RegistryFailure && error.code === 'UNAVAILABLE') this.#unreachable.add(endpoint);
  }
}
