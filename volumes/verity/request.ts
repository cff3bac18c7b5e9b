/**
 * Which volumes must be what they were, as a pod's annotations say. The words are gVisor's (verity.roothash and
 * verity.action among its mount options); the CRI's mounts have no options, so the annotations name the volume:
 *
 *   roothash.verity.crib.dev/NAME   sha256:…; what `crib volume hash` prints
 *   action.verity.crib.dev/NAME     error: the container is not made (the default); panic: the pod is stopped too
 *   hold.verity.crib.dev/NAME       watch: when the container is made, and what changes later is checked again (the default);
 *                                   check: once; copy: what was checked is a copy
 *   path.verity.crib.dev/NAME       where containers mount it; without, NAME is the name of the volume in the pod's manifest
 */

import path from 'node:path';
import { CribError } from '../../runtime/errors.js';

const DOMAIN = 'verity.crib.dev';
const WORDS = ['roothash', 'action', 'hold', 'path'] as const;

export interface VerityRequest {
  readonly name: string;
  /** `sha256:` and 64 lower-case hexadecimal digits. */
  readonly rootHash: string;
  readonly action: 'error' | 'panic';
  readonly hold: 'watch' | 'check' | 'copy';
  /** Path in the container; undefined: `name` is the volume's. */
  readonly containerPath: string | undefined;
}

/** Throws INVALID_ARGUMENT naming the annotation for a word or a value that is not known: nothing of this is guessed. */
export function verityRequestsOf(annotations: Readonly<Record<string, string>>): VerityRequest[] {
  const named = new Map<string, Record<string, string>>();
  for (const [key, value] of Object.entries(annotations)) {
    const [prefix = '', ...rest] = key.split('/');
    if (prefix !== DOMAIN && !prefix.endsWith(`.${DOMAIN}`)) continue;
    const word = prefix.slice(0, -DOMAIN.length - 1);
    if (!WORDS.some((known) => known === word))
      throw invalid(key, `there is no "${word}"; there are: ${WORDS.join(', ')}`);
    const name = rest.join('/');
    named.set(name, { ...named.get(name), [word]: value });
  }
  return [...named].map(([name, values]) => requestOf(name, values));
}

function requestOf(name: string, values: Readonly<Record<string, string>>): VerityRequest {
  const keyOf = (word: string) => `${word}.${DOMAIN}/${name}`;
  const { roothash, action = 'error', hold = 'watch', path: place } = values;
  if (roothash === undefined) throw invalid(keyOf('roothash'), 'it is missing, and others name this volume');
  if (action !== 'error' && action !== 'panic') {
    throw invalid(keyOf('action'), `${JSON.stringify(action)} is refused: it is error or panic`);
  }
  if (hold !== 'watch' && hold !== 'check' && hold !== 'copy') {
    throw invalid(keyOf('hold'), `${JSON.stringify(hold)} is refused: it is watch, check or copy`);
  }
  if (
    place !== undefined &&
    (!path.isAbsolute(place) || path.posix.normalize(place) !== place || place.endsWith('/'))
  ) {
    throw invalid(keyOf('path'), `${JSON.stringify(place)} is no absolute path in normal form`);
  }
  return { name, rootHash: rootHashOf(roothash, keyOf('roothash')), action, hold, containerPath: place };
}

/** With or without the name of the hash in front, in either case. */
function rootHashOf(text: string, key: string): string {
  const digits = /^(?:sha256:)?([0-9a-fA-F]{64})$/.exec(text)?.[1];
  if (digits === undefined) throw invalid(key, 'it is no SHA-256: "sha256:" and 64 hexadecimal digits');
  return `sha256:${digits.toLowerCase()}`;
}

/** The request for a mount: by its path in the container, else by its volume's name. */
export function verityOf(
  requests: readonly VerityRequest[],
  containerPath: string,
  volumeName: string | undefined,
): VerityRequest | undefined {
  return (
    requests.find((request) => request.containerPath === containerPath) ??
    requests.find((request) => request.containerPath === undefined && request.name === volumeName)
  );
}

function invalid(key: string, why: string): CribError {
  return new CribError('INVALID_ARGUMENT', `config.annotations["${key}"]: ${why}`);
}
