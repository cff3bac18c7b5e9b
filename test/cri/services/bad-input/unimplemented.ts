import { readFileSync } from 'node:fs';
import path from 'node:path';

const SERVICES = path.resolve(import.meta.dirname, '../../../../../cri/services/services.ts');

/** The calls that services.ts leaves to later work: their rows, and what docs/api.md says of them, count once they are there. */
export function unimplementedCalls(): ReadonlySet<string> {
  const text = readFileSync(SERVICES, 'utf8');
  return new Set([...text.matchAll(/unimplemented(?:Stream)?\('(\w+)'/g)].map((match) => match[1] ?? ''));
}
