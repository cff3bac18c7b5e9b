/**
 * A part of a volume. A pod that can write to the volume can swap any directory of it for a symlink at any moment, so
 * the part is opened once, within the volume (openat2(2), RESOLVE_BENEATH), and what was opened is what is mounted.
 */

import fs from 'node:fs';
import path from 'node:path';
import { CribError, messageOf } from '../runtime/errors.js';
import { O, RESOLVE } from '../runtime/linux/constants.js';
import { pathIn } from '../runtime/linux/descriptor-paths.js';
import { openat2 } from '../runtime/linux/files.js';
import { errnoName } from '../runtime/linux/libc.js';
import { reportAttack, type Watch } from './shared/attack.js';

/** A directory swapped again and again may fail the kernel's own check (EAGAIN, openat2(2)). */
const ATTEMPTS = 100;

/**
 * Opens `subPath` of the volume that `volume` (a descriptor) is open on, with O_PATH; directories that are missing are
 * made, as a kubelet makes them (0750). Symlinks that stay in the volume are followed; one that leads out is reported as
 * an attack and refused with INVALID_ARGUMENT, as an absolute path and `..` are. The caller closes the descriptor.
 */
export function openSubPath(volume: number, subPath: string, watch: Watch): number {
  const parts = subPath.split('/').filter((part) => part !== '' && part !== '.');
  if (path.isAbsolute(subPath) || parts.includes('..')) throw refused(subPath, 'must stay below its volume');
  for (let attempt = 1; ; attempt++) {
    try {
      return resolve(volume, parts);
    } catch (cause) {
      const code = errnoName(cause);
      if (code === 'EXDEV') {
        reportAttack(watch, subPath, 'a symlink that leads out of the volume');
        throw refused(subPath, 'leads out of its volume by a symlink', cause);
      }
      const swapped = code === 'EAGAIN' || code === 'ENOENT';
      if (swapped && attempt < ATTEMPTS) continue;
      throw new CribError('FAILED_PRECONDITION', `subPath ${subPath}: ${messageOf(cause)}`, { cause });
    }
  }
}

function resolve(volume: number, parts: readonly string[]): number {
  try {
    return open(volume, parts);
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw error;
  }
  for (const [index, name] of parts.entries()) {
    const above = open(volume, parts.slice(0, index));
    try {
      fs.mkdirSync(pathIn(above, name), { mode: 0o750 });
    } catch (error) {
      if (errnoName(error) !== 'EEXIST') throw error;
    } finally {
      fs.closeSync(above);
    }
  }
  return open(volume, parts);
}

function open(volume: number, parts: readonly string[]): number {
  return openat2(volume, parts.join('/') || '.', O.PATH, RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS);
}

function refused(subPath: string, why: string, cause?: unknown): CribError {
  return new CribError('INVALID_ARGUMENT', `subPath ${subPath} ${why}`, { cause });
}
