/** The format of docs/verity.md once more, as simple as can be: all in memory, recursive, from paths. */

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { getXattr, listXattrs } from '../../../runtime/linux/files.js';

const sha = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const number = (value: number, bytes: number) => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
};

/** Blocks of `data`, the last filled up with zeros. */
function blocks(data: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(data.length / 4096) }, (_, index) =>
    Buffer.concat([data.subarray(index * 4096, (index + 1) * 4096), Buffer.alloc(4096)]).subarray(0, 4096),
  );
}

function fsVerity(content: Buffer): Buffer {
  let level = blocks(content).map((block) => sha(block));
  while (level.length > 1) level = blocks(Buffer.concat(level)).map((block) => sha(block));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(content.length));
  const head = Buffer.concat([Buffer.from([1, 1, 12, 0, 0, 0, 0, 0]), size, level[0] ?? Buffer.alloc(32)]);
  return sha(head, Buffer.alloc(256 - head.length));
}

/** Empty where it has none that count. Of paths that are text: the others here have none. */
function attributes(file: string | Buffer): Buffer {
  if (typeof file !== 'string') return Buffer.alloc(0);
  const counts = /^(user\..*|security\.capability|system\.posix_acl_(access|default))$/;
  const names = listXattrs(file).filter((name) => counts.test(name));
  if (names.length === 0) return Buffer.alloc(0);
  const parts = names.sort().map((name) => {
    const value = getXattr(file, name) ?? Buffer.alloc(0);
    return Buffer.concat([number(name.length, 2), Buffer.from(name), number(value.length, 4), value]);
  });
  return sha(...parts);
}

export function referenceDigest(file: string | Buffer): Buffer {
  const stat = fs.lstatSync(file);
  const letter = ['p', 'c', '', 'd', '', 'b', '', 'f', '', 'l', '', 's'][(stat.mode >> 12) - 1] ?? '';
  const extended = letter === 'l' ? Buffer.alloc(0) : attributes(file);
  const header = [
    Buffer.from(letter),
    number(extended.length === 0 ? 0 : 1, 1),
    number(stat.mode & 0o7777, 2),
    number(stat.uid, 4),
    number(stat.gid, 4),
  ];
  /** Text where it is text. */
  const child = (name: Buffer) => {
    const whole = Buffer.concat([Buffer.from(file), Buffer.from('/'), name]);
    return Buffer.from(whole.toString()).equals(whole) ? whole.toString() : whole;
  };
  const body = () => {
    if (letter === 'f') return [fsVerity(fs.readFileSync(file))];
    if (letter === 'l') return [fs.readlinkSync(file, 'buffer')];
    if (letter === 'c' || letter === 'b') return [number(stat.rdev >> 8, 4), number(stat.rdev & 0xff, 4)];
    if (letter !== 'd') return [];
    const names = fs.readdirSync(file, { encoding: 'buffer' }).sort(Buffer.compare);
    return names.flatMap((name) => [number(name.length, 2), name, referenceDigest(child(name))]);
  };
  return sha(...header, ...body(), extended);
}

export function referenceRootHash(directory: string): string {
  return `sha256:${referenceDigest(path.resolve(directory)).toString('hex')}`;
}
