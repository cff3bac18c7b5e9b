/** Reads values that somebody else wrote, naming the place of what is not as it should be. */

export type Read<T> = (value: unknown, where: string) => T;

export const text: Read<string> = (value, where) => {
  if (typeof value !== 'string' || value.includes('\0')) throw new Error(`${where} is not text`);
  return value;
};

/** An integer from 0 to 2^32 - 1. */
export const number: Read<number> = (value, where) => {
  const valid = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
  if (!valid) throw new Error(`${where} is not a whole number from 0 to 4294967295`);
  return value;
};

export const absolute: Read<string> = (value, where) => {
  const path = text(value, where);
  if (!path.startsWith('/')) throw new Error(`${where} is not an absolute path`);
  return path;
};

export const anything: Read<unknown> = (value) => value;

export function matching(pattern: RegExp, form: string): Read<string> {
  return (value, where) => {
    const found = text(value, where);
    if (!pattern.test(found)) throw new Error(`${where} is ${JSON.stringify(found.slice(0, 100))}, not ${form}`);
    return found;
  };
}

export function oneOf<T extends string>(names: readonly T[]): Read<T> {
  return (value, where) => {
    const found = names.find((name) => name === value);
    if (found === undefined) throw new Error(`${where} is none of ${names.join(', ')}`);
    return found;
  };
}

/** A missing list is an empty one. */
export function list<T>(each: Read<T>): Read<T[]> {
  return (value, where) => {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw new Error(`${where} is not a list`);
    return value.map((entry, index) => each(entry, `${where}[${index}]`));
  };
}

export function optional<T>(read: Read<T>): Read<T | undefined> {
  return (value, where) => (value === undefined || value === null ? undefined : read(value, where));
}

/** An object with these fields and no others: what is not understood must not be left out in silence. */
export function object<T extends Record<string, unknown>>(
  fields: { readonly [Name in keyof T]: Read<T[Name]> },
): Read<T> {
  return (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Error(`${where} is not an object`);
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) throw new Error(`${where}.${unknown} is not a field of this specification`);
    const entries = Object.keys(fields).map((name) => {
      return [name, fields[name]?.(Reflect.get(value, name), `${where}.${name}`)];
    });
    return Object.fromEntries(entries);
  };
}
