/** Verbose information: one JSON document under the key `info`, as crictl and kubectl's debug tools look for it. */
export function info(value: Record<string, unknown>): Record<string, string> {
  return {
    info: JSON.stringify(value, (_key, entry: unknown) => (typeof entry === 'bigint' ? entry.toString() : entry)),
  };
}
