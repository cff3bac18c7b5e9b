/** PAX extended headers (POSIX.1-2001 pax, "Extended Header"): `length key=value\n`, values being bytes. */

import { badTar } from './header.js';

/** Keys and values byte for byte as latin1 strings. */
export type PaxRecords = Map<string, string>;

const MAX_RECORDS = 10_000;
/** What extended attributes begin with. */
export const XATTR = 'SCHILY.xattr.';

/**
 * Parses one extended header's body into `records`; an empty value takes a key away, but for an extended attribute, which
 * may be empty. What version 0.0 of GNU's sparse files says in many records of one key is put together as 0.1 has it.
 * Throws INVALID_ARGUMENT.
 */
export function parsePax(body: Buffer, records: PaxRecords): void {
  let position = 0;
  const sparse: string[] = [];
  while (position < body.length) {
    const blank = body.indexOf(0x20, position);
    const digits = blank < 0 || blank - position > 8 ? '' : body.toString('latin1', position, blank);
    const end = position + Number(digits);
    if (!/^[1-9][0-9]*$/.test(digits) || end > body.length || end <= blank + 1 || body[end - 1] !== 0x0a) {
      throw badTar('an extended (PAX) header has a record of a wrong length');
    }
    const record = body.toString('latin1', blank + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals < 1) throw badTar('an extended (PAX) header has a record without a key');
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') sparse.push(value);
    else if (value === '' && !key.startsWith(XATTR)) records.delete(key);
    else records.set(key, value);
    if (records.size > MAX_RECORDS) throw badTar(`an extended (PAX) header has more than ${MAX_RECORDS} records`);
    position = end;
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', sparse.join(','));
}

/** A decimal number of a record. Throws INVALID_ARGUMENT when it is none. */
export function paxNumber(records: PaxRecords, key: string): number | undefined {
  const value = records.get(key);
  if (value === undefined) return undefined;
  const result = Number(value);
  if (!/^-?[0-9]{1,16}$/.test(value) || !Number.isSafeInteger(result)) {
    throw badTar(`the extended (PAX) ${key} is not a number`);
  }
  return result;
}

/** A time of a record: seconds, and nanoseconds that are never negative. */
export function paxTime(records: PaxRecords, key: string): { seconds: number; nanoseconds: number } | undefined {
  const value = records.get(key);
  if (value === undefined) return undefined;
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value);
  if (match === null) throw badTar(`the extended (PAX) ${key} is not a time`);
  const seconds = Number(match[2]);
  const nanoseconds = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (match[1] === '') return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds };
}
