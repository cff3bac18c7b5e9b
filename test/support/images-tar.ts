/** Writes tar archives (POSIX.1-2001 pax) for image layers, with every entry type that a layer may have. */
import { Buffer } from 'node:buffer';

export interface TarEntry {
  /** Name as it shall stand in the archive; nothing is normalised, so hostile layers can be written too. */
  readonly path: string;
  readonly type?: 'file' | 'dir' | 'symlink' | 'hardlink' | 'fifo' | 'char' | 'block';
  /** Permission bits, with setuid, setgid and sticky. Default 0o755 for directories, 0o644 for the rest. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since the epoch. Default 0, so that equal content has an equal digest. */
  readonly mtime?: number;
  readonly content?: Buffer | string;
  /** Target of a symlink, or the earlier name that a hard link joins. */
  readonly target?: string;
  readonly major?: number;
  readonly minor?: number;
  /** Extended attributes by full name (`security.capability`), as raw bytes. */
  readonly xattrs?: Readonly<Record<string, Buffer>>;
}

const BLOCK = 512;
const TYPE_FLAGS = { file: '0', hardlink: '1', symlink: '2', char: '3', block: '4', dir: '5', fifo: '6' } as const;
/** The largest number that seven octal digits hold: uid, gid and device fields. */
const OCTAL_7 = 0o7777777;

/** The archive with these entries, in this order, ended by two zero blocks. */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) parts.push(...entryBlocks(entry));
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}

function entryBlocks(entry: TarEntry): Buffer[] {
  const type = entry.type ?? 'file';
  const content = type === 'file' ? Buffer.from(entry.content ?? '') : Buffer.alloc(0);
  const name = type === 'dir' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path;
  const records = paxRecords(entry, name);
  const blocks = records.length === 0 ? [] : paxHeader(Buffer.concat(records));
  blocks.push(header(entry, name, TYPE_FLAGS[type], content.length), ...padded(content));
  return blocks;
}

function paxRecords(entry: TarEntry, name: string): Buffer[] {
  const records: Buffer[] = [];
  if (Buffer.byteLength(name) > 100) records.push(paxRecord('path', Buffer.from(name)));
  if (Buffer.byteLength(entry.target ?? '') > 100) records.push(paxRecord('linkpath', Buffer.from(entry.target ?? '')));
  if ((entry.uid ?? 0) > OCTAL_7) records.push(paxRecord('uid', Buffer.from(String(entry.uid))));
  if ((entry.gid ?? 0) > OCTAL_7) records.push(paxRecord('gid', Buffer.from(String(entry.gid))));
  for (const [key, value] of Object.entries(entry.xattrs ?? {})) records.push(paxRecord(`SCHILY.xattr.${key}`, value));
  return records;
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits (pax, "pax Extended Header"). */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3;
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length++;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

function paxHeader(records: Buffer): Buffer[] {
  return [header({ path: 'pax', mode: 0o644 }, 'pax', 'x', records.length), ...padded(records)];
}

function padded(content: Buffer): Buffer[] {
  const rest = content.length % BLOCK;
  return rest === 0 ? [content] : [content, Buffer.alloc(BLOCK - rest)];
}

function header(entry: TarEntry, name: string, flag: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1');
  block.write(name, 0, 100);
  octal(entry.mode ?? (entry.type === 'dir' ? 0o755 : 0o644), 100, 8);
  octal(Math.min(entry.uid ?? 0, OCTAL_7), 108, 8);
  octal(Math.min(entry.gid ?? 0, OCTAL_7), 116, 8);
  octal(size, 124, 12);
  octal(entry.mtime ?? 0, 136, 12);
  block.write(flag, 156);
  block.write(entry.target ?? '', 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(entry.major ?? 0, 329, 8);
  octal(entry.minor ?? 0, 337, 8);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
