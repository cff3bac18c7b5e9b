/** Reads an untrusted object field by field; what has the wrong type is an error that names the path. */

import { CribError } from '../../runtime/errors.js';

export class Reader {
  readonly path: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  /** `value` undefined or null reads as an empty object. */
  constructor(value: unknown, path: string) {
    this.path = path;
    const missing = value === undefined || value === null;
    if (!missing && (typeof value !== 'object' || Array.isArray(value))) this.#refuse('', 'must be an object');
    this.#fields = missing ? {} : (value as Record<string, unknown>);
  }

  /** Throws for a field that is not among `names`. */
  allow(names: readonly string[]): void {
    for (const name of Object.keys(this.#fields)) {
      if (!names.includes(name)) this.#refuse(name, 'is not something crib run understands');
    }
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  child(name: string): Reader {
    return new Reader(this.#value(name), this.#pathOf(name));
  }

  list(name: string): Reader[] {
    return this.#array(name).map((entry, index) => new Reader(entry, `${this.#pathOf(name)}[${index}]`));
  }

  textList(name: string): string[] {
    return this.#array(name).map((entry) => {
      if (typeof entry !== 'string') return this.#refuse(name, 'must be a list of strings (quote numbers)');
      return entry;
    });
  }

  texts(name: string): Record<string, string> {
    const child = this.child(name);
    return Object.fromEntries(Object.keys(child.#fields).map((key) => [key, child.text(key)]));
  }

  /** Empty where it is not there. */
  text(name: string): string {
    const value = this.#value(name) ?? '';
    if (typeof value !== 'string') return this.#refuse(name, 'must be a string (quote it)');
    return value;
  }

  requiredText(name: string): string {
    return this.text(name) || this.#refuse(name, 'is required');
  }

  /** A name as Kubernetes has them (RFC 1123): containers and volumes are directories of that name. */
  label(name: string): string {
    const value = this.requiredText(name);
    if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)) return value;
    return this.#refuse(name, `${JSON.stringify(value)} must be lower-case letters, digits and "-", 63 at the most`);
  }

  /** A number or a string, as quantities are written. */
  scalar(name: string): string | undefined {
    const value = this.#value(name);
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string' && typeof value !== 'number') return this.#refuse(name, 'must be a quantity');
    return String(value);
  }

  flag(name: string, fallback = false): boolean {
    const value = this.#value(name) ?? fallback;
    if (typeof value !== 'boolean') return this.#refuse(name, 'must be true or false');
    return value;
  }

  integer(name: string): number | undefined {
    const value = this.#value(name) ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      return this.#refuse(name, 'must be a whole number that is not negative');
    }
    return value;
  }

  /** The first of `choices` where the field is not there. */
  oneOf<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.#value(name);
    if (value === undefined || value === null) return choices[0];
    const chosen = choices.find((choice) => choice === value);
    return chosen ?? this.#refuse(name, `must be one of ${choices.filter((choice) => choice !== '').join(', ')}`);
  }

  #array(name: string): unknown[] {
    const value = this.#value(name) ?? [];
    return Array.isArray(value) ? value : this.#refuse(name, 'must be a list');
  }

  #value(name: string): unknown {
    return this.has(name) ? this.#fields[name] : undefined;
  }

  #pathOf(name: string): string {
    return name === '' ? this.path : `${this.path}.${name}`;
  }

  #refuse(name: string, why: string): never {
    throw new CribError('INVALID_ARGUMENT', `${this.#pathOf(name)} ${why}`);
  }
}
