/** Tells programs that need no library: those run in a root file system that has nothing else. */

import fs from 'node:fs/promises';

const ELF_MAGIC = Buffer.from('\x7fELF', 'latin1');
/** Where 64-bit little-endian ELF has its program headers (elf(5)); others are not taken for static. */
const CLASS_64_LSB = Buffer.of(2, 1);
const PT_INTERP = 3;
const HEADERS_MAX = 64 << 10;

/** False also for what is not there, or no ELF file of this kind. */
export async function isStaticProgram(file: string): Promise<boolean> {
  const stat = await fs.stat(file).catch(() => undefined);
  const handle = stat?.isFile() ? await fs.open(file, 'r').catch(() => undefined) : undefined;
  if (handle === undefined) return false;
  try {
    const header = Buffer.alloc(64);
    const { bytesRead } = await handle.read(header, 0, 64, 0);
    if (bytesRead < 64 || !header.subarray(0, 4).equals(ELF_MAGIC)) return false;
    if (!header.subarray(4, 6).equals(CLASS_64_LSB)) return false;
    const size = header.readUInt16LE(54);
    const count = header.readUInt16LE(56);
    const table = Buffer.alloc(Math.min(size * count, HEADERS_MAX));
    await handle.read(table, 0, table.length, Number(header.readBigUInt64LE(32)));
    for (let at = 0; at + 4 <= table.length && size > 0; at += size) {
      if (table.readUInt32LE(at) === PT_INTERP) return false;
    }
    return true;
  } finally {
    await handle.close();
  }
}
