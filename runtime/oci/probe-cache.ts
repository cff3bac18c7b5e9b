/** Which runtime was found to work, and which not to for a reason that only another key can mend; kept over restarts. */

import fs from 'node:fs/promises';
import path from 'node:path';
import type { RuntimeFeatures } from './oci-runtime.js';

export interface ProbeRecord {
  readonly key: string;
  readonly version: string;
  readonly features: RuntimeFeatures;
  /** What the trial ended with; empty where it went well. */
  readonly failure: string;
}

const MAX_RECORD = 64 << 10;

/** undefined where there is no record, one of another key, or one that cannot be read: the runtime is tried again. */
export async function readProbeCache(stateDir: string, name: string, key: string): Promise<ProbeRecord | undefined> {
  try {
    const file = fileOf(stateDir, name);
    if ((await fs.stat(file)).size > MAX_RECORD) return undefined;
    const record: unknown = JSON.parse(await fs.readFile(file, 'utf8'));
    return isRecord(record) && record.key === key ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Written beside and renamed, so that a kill leaves the old record or the new one. */
export async function writeProbeCache(stateDir: string, name: string, record: ProbeRecord): Promise<void> {
  const file = fileOf(stateDir, name);
  const temporary = `${file}.${process.pid}.tmp`;
  await fs.writeFile(temporary, JSON.stringify(record), { mode: 0o600 });
  await fs.rename(temporary, file);
}

function fileOf(stateDir: string, name: string): string {
  return path.join(stateDir, `oci-runtime-${name.replace(/[^A-Za-z0-9_.+-]/g, '_')}.json`);
}

function isRecord(value: unknown): value is ProbeRecord {
  if (typeof value !== 'object' || value === null) return false;
  if (!('key' in value) || !('version' in value) || !('features' in value) || !('failure' in value)) return false;
  const { features } = value;
  if (typeof features !== 'object' || features === null) return false;
  if (!('recursiveReadOnly' in features) || !('userNamespaces' in features)) return false;
  if (!('userNamespaceObstacle' in features) || !('userNamespaceSubmounts' in features)) return false;
  return (
    typeof value.key === 'string' &&
    typeof value.version === 'string' &&
    typeof value.failure === 'string' &&
    typeof features.recursiveReadOnly === 'boolean' &&
    typeof features.userNamespaces === 'boolean' &&
    typeof features.userNamespaceSubmounts === 'boolean' &&
    typeof features.userNamespaceObstacle === 'string'
  );
}
