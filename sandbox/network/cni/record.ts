/** What is written down of a pod before its first plugin runs, and completed when the last one has. */

import { isObject, isString, type JsonObject } from '../json.js';
import { type CniConfig, isCniConfig } from './config.js';

export interface CniRecord {
  readonly version: 1;
  readonly kind: 'cni';
  readonly podId: string;
  /** `adding`: a crash between may have left any part of the chain. */
  readonly phase: 'adding' | 'added';
  readonly netns: string;
  readonly interfaceName: string;
  /** CNI_ARGS. */
  readonly args: string;
  /** The chain as it was then. */
  readonly config: CniConfig;
  readonly capabilityArgs: JsonObject;
  /** The last plugin's result; undefined until there is one. */
  readonly result?: JsonObject;
}

export function isCniRecord(value: unknown): value is CniRecord {
  if (!isObject(value) || value.version !== 1 || value.kind !== 'cni') return false;
  return (
    (value.phase === 'adding' || value.phase === 'added') &&
    [value.podId, value.netns, value.interfaceName, value.args].every(isString) &&
    isCniConfig(value.config) &&
    isObject(value.capabilityArgs) &&
    (value.result === undefined || isObject(value.result))
  );
}
