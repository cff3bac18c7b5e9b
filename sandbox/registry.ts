/** The objects that exist, by id and by what makes them the same. Holds nothing that is not on disk too. */

import { CribError } from '../runtime/errors.js';

interface Identified {
  readonly id: string;
}

export class Registry<T extends Identified> {
  readonly #what: string;
  readonly #byId = new Map<string, T>();

  /** `what` names the objects in errors: `pod`, `container`. */
  constructor(what: string) {
    this.#what = what;
  }

  add(object: T): void {
    this.#byId.set(object.id, object);
  }

  delete(id: string): void {
    this.#byId.delete(id);
  }

  values(): IterableIterator<T> {
    return this.#byId.values();
  }

  /** By full id or unambiguous prefix. Throws INVALID_ARGUMENT where several begin with it. */
  find(idOrPrefix: string): T | undefined {
    const exact = this.#byId.get(idOrPrefix);
    if (exact !== undefined || idOrPrefix === '' || idOrPrefix.length >= 64) return exact;
    let found: T | undefined;
    for (const [id, object] of this.#byId) {
      if (!id.startsWith(idOrPrefix)) continue;
      if (found !== undefined) {
        throw new CribError('INVALID_ARGUMENT', `${this.#what} id ${idOrPrefix} is ambiguous: give more of it`);
      }
      found = object;
    }
    return found;
  }

  /** As `find`; throws NOT_FOUND. */
  get(idOrPrefix: string): T {
    const object = this.find(idOrPrefix);
    if (object === undefined) throw new CribError('NOT_FOUND', `there is no ${this.#what} with the id ${idOrPrefix}`);
    return object;
  }
}

/** True when every label of `selector` is among `labels`. */
export function labelsMatch(
  labels: Readonly<Record<string, string>>,
  selector: Readonly<Record<string, string>> | undefined,
): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => labels[key] === value);
}
