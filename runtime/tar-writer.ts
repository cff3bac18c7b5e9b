/** Tar archives in memory, of files, directories and symlinks: the ustar format with GNU's long names, which every tar reads. */

const BLOCK = 512;
/** What the name and link fields hold. */
const FIELD = 100;

export interface TarMember {
  readonly path: string;
  readonly type: 'directory' | 'file' | 'symlink';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Content of a file, target of a symlink; empty for a directory. */
  readonly content: Buffer;
}

const FLAGS = { file: '0', symlink: '2', directory: '5' } as const;

/** The archive of `members`, in their order. Numbers are below 2^48. */
export function writeTar(members: readonly TarMember[]): Buffer {
  return Buffer.concat([...members.flatMap(member), Buffer.alloc(2 * BLOCK)]);
}

function member({ path, type, mode, uid, gid, mtime, content }: TarMember): Buffer[] {
  const name = Buffer.from(type === 'directory' ? `${path}/` : path);
  const link = type === 'symlink' ? content : Buffer.alloc(0);
  const data = type === 'file' ? content : Buffer.alloc(0);
  const fields = { flag: FLAGS[type], mode, uid, gid, mtime };
  return [...longName('L', name), ...longName('K', link), header(name, link, data.length, fields), ...padded(data)];
}

/** An entry before the one whose name or target is too long for its header. */
function longName(flag: 'L' | 'K', name: Buffer): Buffer[] {
  if (name.length <= FIELD) return [];
  const data = Buffer.concat([name, Buffer.of(0)]);
  const fields = { flag, mode: 0o644, uid: 0, gid: 0, mtime: 0 };
  return [header(Buffer.from('././@LongLink'), Buffer.alloc(0), data.length, fields), ...padded(data)];
}

function padded(data: Buffer): Buffer[] {
  return [data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)];
}

interface Fields {
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
}

/** POSIX.1-1988, "ustar Interchange Format". */
function header(name: Buffer, link: Buffer, size: number, { flag, mode, uid, gid, mtime }: Fields): Buffer {
  const block = Buffer.alloc(BLOCK);
  name.copy(block, 0, 0, FIELD);
  octal(block, 100, 8, mode);
  octal(block, 108, 8, uid);
  octal(block, 116, 8, gid);
  octal(block, 124, 12, size);
  octal(block, 136, 12, mtime);
  block.write(flag, 156, 'latin1');
  link.copy(block, 157, 0, FIELD);
  block.write('ustar  \0', 257, 'latin1');
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** GNU's base-256 where the octal digits do not suffice: ids of a user namespace are large. */
function octal(block: Buffer, start: number, length: number, value: number): void {
  const digits = value.toString(8);
  if (digits.length < length) {
    block.write(`${digits.padStart(length - 1, '0')}\0`, start, 'latin1');
    return;
  }
  block[start] = 0x80;
  block.writeUIntBE(value, start + length - 6, 6);
}
