/** containerd's hosts.toml (containerd docs/hosts.md): the text to what it asks for, without reading other files. */

import { validateHeaderName, validateHeaderValue } from 'node:http';
import { parse } from 'smol-toml';
import { CribError, messageOf } from '../../errors.js';
import type { Capability } from './endpoint.js';

/** One `[host."…"]` table, or the top of the file, which describes the registry itself. */
export interface HostEntry {
  /** Undefined at the top of a file without `server`: the registry's usual address. */
  readonly address: { readonly origin: string; readonly apiPath: string } | undefined;
  readonly capabilities: ReadonlySet<Capability>;
  /** Paths as written. */
  readonly ca: readonly string[];
  /** Paths as written; a file without a `key` holds both. */
  readonly client: readonly { readonly certificate: string; readonly key: string | undefined }[];
  readonly skipVerify: boolean;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly connectMs: number | undefined;
}

export interface HostsFile {
  /** In the order of the file. */
  readonly mirrors: readonly HostEntry[];
  readonly server: HostEntry;
}

const CAPABILITIES: readonly Capability[] = ['pull', 'resolve', 'push'];
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Throws FAILED_PRECONDITION that names `file` and the key. Unknown keys are ignored, as containerd does. */
export function parseHostsFile(file: string, text: string): HostsFile {
  let root: Record<string, unknown>;
  try {
    root = parse(text, { maxDepth: 20, unsafeKeyBehaviour: 'throw' });
  } catch (error) {
    throw new CribError('FAILED_PRECONDITION', `${file} is not TOML: ${messageOf(error).split('\n')[0]}`, {
      cause: error,
    });
  }
  const reader = new EntryReader(file);
  const mirrors = Object.entries(reader.table('host', root.host)).map(([address, value]) => {
    const key = `host.${JSON.stringify(address)}`;
    return reader.entry(key, address, reader.table(key, value));
  });
  const server = root.server;
  if (server !== undefined && typeof server !== 'string') throw reader.wrong('server', 'is not a string');
  return { mirrors, server: reader.entry('', server === '' ? undefined : server, root) };
}

class EntryReader {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  wrong(key: string, problem: string): CribError {
    return new CribError('FAILED_PRECONDITION', `${this.#file}: ${key} ${problem}`);
  }

  table(key: string, value: unknown): Record<string, unknown> {
    if (value === undefined) return {};
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) {
      throw this.wrong(key, 'is not a table');
    }
    return { ...value };
  }

  entry(prefix: string, address: string | undefined, table: Record<string, unknown>): HostEntry {
    const name = (key: string): string => (prefix === '' ? key : `${prefix}.${key}`);
    const override = this.#flag(name('override_path'), table.override_path);
    return {
      address: address === undefined ? undefined : this.#address(prefix === '' ? 'server' : prefix, address, override),
      capabilities: this.#capabilities(name('capabilities'), table.capabilities),
      ca: this.#strings(name('ca'), table.ca),
      client: this.#client(name('client'), table.client),
      skipVerify: this.#flag(name('skip_verify'), table.skip_verify),
      headers: this.#headers(name('header'), this.table(name('header'), table.header)),
      connectMs: this.#duration(name('dial_timeout'), table.dial_timeout),
    };
  }

  /** An address without a scheme is HTTPS. `/v2` is added unless it is there or `override_path` is set. */
  #address(key: string, text: string, override: boolean): { origin: string; apiPath: string } {
    let url: URL;
    try {
      url = new URL(/^https?:\/\//i.test(text) ? text : `https://${text}`);
    } catch {
      throw this.wrong(key, `${JSON.stringify(text)} is not an address`);
    }
    if (url.hostname === '' || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
      throw this.wrong(key, `${JSON.stringify(text)} is not a scheme, a host, a port and a path`);
    }
    const path = url.pathname.replace(/\/{2,}/g, '/').replace(/\/$/, '');
    return { origin: url.origin, apiPath: override || path.endsWith('/v2') ? path : `${path}/v2` };
  }

  #capabilities(key: string, value: unknown): ReadonlySet<Capability> {
    const names = this.#strings(key, value);
    if (names.length === 0) return new Set(CAPABILITIES);
    return new Set(
      names.map((name) => {
        const known = CAPABILITIES.find((capability) => capability === name.toLowerCase());
        if (known === undefined)
          throw this.wrong(key, `has ${JSON.stringify(name)}, which is none of ${CAPABILITIES.join(', ')}`);
        return known;
      }),
    );
  }

  /** A string, or an array of strings and of [certificate, key] pairs. */
  #client(key: string, value: unknown): HostEntry['client'] {
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map((item: unknown) => {
      const [certificate, keyFile, more] = Array.isArray(item) ? this.#strings(key, item) : [this.#string(key, item)];
      if (certificate === undefined || more !== undefined)
        throw this.wrong(key, 'is not made of certificate and key pairs');
      return { certificate, key: keyFile === '' ? undefined : keyFile };
    });
  }

  #headers(key: string, table: Record<string, unknown>): HostEntry['headers'] {
    const headers: Record<string, readonly string[]> = {};
    for (const [header, value] of Object.entries(table)) {
      const values = this.#strings(`${key}.${header}`, value);
      try {
        validateHeaderName(header);
        for (const text of values) validateHeaderValue(header, text);
      } catch (error) {
        throw this.wrong(`${key}.${header}`, `cannot be sent: ${messageOf(error)}`);
      }
      headers[header] = values;
    }
    return headers;
  }

  /** A Go duration, `1m30s`. */
  #duration(key: string, value: unknown): number | undefined {
    if (value === undefined || value === '') return undefined;
    const text = this.#string(key, value);
    const part = /([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|ms|s|m|h)/y;
    let total = 0;
    while (part.lastIndex < text.length) {
      const match = part.exec(text);
      if (match === null) throw this.wrong(key, `${JSON.stringify(text)} is not a duration such as "3s"`);
      total += Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
    }
    if (total < 1 || total > 3_600_000) throw this.wrong(key, 'is not between 1ms and 1h');
    return Math.round(total);
  }

  #flag(key: string, value: unknown): boolean {
    if (value === undefined) return false;
    if (typeof value !== 'boolean') throw this.wrong(key, 'is not true or false');
    return value;
  }

  #strings(key: string, value: unknown): string[] {
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map((item: unknown) => this.#string(key, item));
  }

  #string(key: string, value: unknown): string {
    if (typeof value !== 'string') throw this.wrong(key, 'is not a string');
    if (value.includes('\0')) throw this.wrong(key, 'has a NUL in it');
    return value;
  }
}
