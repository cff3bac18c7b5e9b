/** What the `crib` command prints: tables for people, JSON for programs. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Columns padded to their widest cell, headings in capitals; nothing else, so that `awk` works on it. */
export function table(headings: readonly string[], given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map(printable));
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(headings), ...rows.map(line)].join('\n');
}

/** On one line, without what would move the terminal's cursor: images, registries and other clients have named it. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

/** Bytes with a decimal unit and three digits at the most: `4.22MB`. */
export function humanSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${UNITS[unit]}`;
}

/** How long ago, in the largest whole unit: `3 minutes ago`. Nanoseconds since the epoch; 0 is never. */
export function humanAge(ns: bigint, nowMs = Date.now()): string {
  if (ns === 0n) return '-';
  const seconds = Math.max(0, Math.round(nowMs / 1000 - Number(ns / 1_000_000n) / 1000));
  for (const [size, name] of [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ] as const) {
    const count = Math.floor(seconds / size);
    if (count > 0) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return `${seconds} second${seconds === 1 ? '' : 's'} ago`;
}

/** JSON with bigints as decimal numbers in text and bytes as base64, as protobuf's JSON mapping has them. `indent` 0: on one line. */
export function toJson(value: unknown, indent = 2): string {
  return JSON.stringify(
    value,
    function (this: Record<string, unknown>, key: string, given: unknown) {
      // A Buffer has been through its own toJSON by now.
      const entry = this[key] instanceof Uint8Array ? this[key] : given;
      if (typeof entry === 'bigint') return entry.toString();
      if (entry instanceof Uint8Array) return Buffer.from(entry).toString('base64');
      return entry;
    },
    indent,
  );
}

/** Ids as crictl shows them. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 13);
}
