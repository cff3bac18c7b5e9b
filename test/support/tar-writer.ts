/** A small tar writer for tests: it can also write what no sound tool would. */

export interface TarItem {
  readonly name: string | Buffer;
  /** Type flag; default `0`, a file. */
  readonly flag?: string;
  readonly link?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly device?: readonly [number, number];
  /** PAX records that go before the entry. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** Size to claim, when it is not the content's. */
  readonly size?: number;
}

export function directory(name: string, more: Partial<TarItem> = {}): TarItem {
  return { name, flag: '5', mode: 0o755, ...more };
}

export function file(name: string, content: string | Buffer = '', more: Partial<TarItem> = {}): TarItem {
  return { name, content, ...more };
}

export function symlink(name: string, link: string, more: Partial<TarItem> = {}): TarItem {
  return { name, flag: '2', link, mode: 0o777, ...more };
}

export function hardlink(name: string, link: string): TarItem {
  return { name, flag: '1', link };
}

/** The archive of `items`, with the two blocks of zeros at its end unless `end` says otherwise. */
export function tar(items: readonly TarItem[], end = true): Buffer {
  const pieces = items.flatMap((item) => {
    const pax = item.pax === undefined ? [] : entry({ name: 'pax', flag: 'x', content: paxBody(item.pax) });
    return [...pax, ...entry(item)];
  });
  return Buffer.concat(end ? [...pieces, Buffer.alloc(1024)] : pieces);
}

/** `length key=value\n`, the length counting its own digits. */
export function paxBody(records: Readonly<Record<string, string | Buffer>>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as Buffer), Buffer.from('\n')]);
      let length = rest.length;
      while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
}

function entry(item: TarItem): Buffer[] {
  const name = Buffer.from(item.name as Buffer);
  const link = Buffer.from(item.link ?? '');
  const content = Buffer.from((item.content ?? '') as Buffer);
  const long = [...longName('L', name), ...longName('K', link)];
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return [...long, header(item, name, link, content.length), content, padding];
}

function longName(flag: string, name: Buffer): Buffer[] {
  return name.length <= 100 ? [] : entry({ name: '././@LongLink', flag, content: Buffer.concat([name, Buffer.of(0)]) });
}

function header(item: TarItem, name: Buffer, link: Buffer, length: number): Buffer {
  const block = Buffer.alloc(512);
  name.copy(block, 0, 0, 100);
  octal(block, 100, 8, item.mode ?? 0o644);
  octal(block, 108, 8, item.uid ?? 0);
  octal(block, 116, 8, item.gid ?? 0);
  octal(block, 124, 12, item.size ?? length);
  octal(block, 136, 12, item.mtime ?? 1_600_000_000);
  block.write(item.flag ?? '0', 156, 'latin1');
  link.copy(block, 157, 0, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, item.device?.[0] ?? 0);
  octal(block, 337, 8, item.device?.[1] ?? 0);
  return withChecksum(block);
}

/** Octal, or base-256 where the number is too large or negative. */
function octal(block: Buffer, start: number, length: number, value: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < length) {
    block.write(`${digits.padStart(length - 1, '0')}\0`, start, 'latin1');
    return;
  }
  let rest = BigInt.asUintN(8 * length, BigInt(value));
  for (let i = start + length - 1; i >= start; i--) {
    block[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[start] = (block[start] ?? 0) | 0x80;
}

/** Fills in the checksum of a header block. */
export function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
