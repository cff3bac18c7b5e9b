/** The certificate authorities that the host trusts. Node brings its own list and does not read the host's. */

import { X509Certificate } from 'node:crypto';
import fs from 'node:fs/promises';
import tls from 'node:tls';
import { CribError, messageOf } from '../../errors.js';
import type { Trust } from './endpoint.js';

/** Where distributions keep the bundle: Debian, Fedora, openSUSE, Alpine. SSL_CERT_FILE goes first, as in OpenSSL. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

interface Known {
  /** What the bundle was when it was read; empty when there is none. */
  readonly stamp: string;
  readonly pem: string | undefined;
  readonly plain: tls.SecureContext;
}

/**
 * TLS contexts. Reading a bundle of 140 certificates takes milliseconds, so the context of plain registries is kept
 * until the bundle changes.
 */
export class Roots {
  readonly #bundles: readonly string[];
  #known: Known | undefined;

  constructor(env: NodeJS.ProcessEnv) {
    const own = env.SSL_CERT_FILE;
    this.#bundles = own === undefined || own === '' ? BUNDLES : [own, ...BUNDLES];
  }

  async context(trust: Trust): Promise<tls.SecureContext> {
    const known = await this.#load();
    if (trust.authorities.length === 0 && trust.identities.length === 0) return known.plain;
    try {
      // createSecureContext takes an authority that is no certificate for none.
      for (const authority of trust.authorities) new X509Certificate(authority);
      return tls.createSecureContext({
        ca: [...(known.pem === undefined ? tls.rootCertificates : [known.pem]), ...trust.authorities],
        cert: trust.identities.map(({ certificate }) => certificate),
        key: trust.identities.map(({ key }) => key),
      });
    } catch (error) {
      throw new CribError(
        'FAILED_PRECONDITION',
        `the registry's "ca" or "client" files are no PEM: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  async #load(): Promise<Known> {
    for (const file of this.#bundles) {
      const stat = await fs.stat(file).catch(() => undefined);
      if (stat === undefined || !stat.isFile() || stat.size === 0 || stat.size > 8 * 1024 * 1024) continue;
      const stamp = `${file} ${stat.ino} ${stat.size} ${stat.mtimeMs}`;
      if (this.#known?.stamp === stamp) return this.#known;
      const pem = await fs.readFile(file, 'utf8');
      return this.#keep({ stamp, pem, plain: tls.createSecureContext({ ca: pem }) });
    }
    return this.#known?.stamp === ''
      ? this.#known
      : this.#keep({ stamp: '', pem: undefined, plain: tls.createSecureContext() });
  }

  #keep(known: Known): Known {
    this.#known = known;
    return known;
  }
}
