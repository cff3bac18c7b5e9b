/**
 * The floor of the house: typed system calls, flags by their kernel names, errno as an Error. The only folder that
 * knows koffi. Every wrapper is one thin function that runs on the calling thread (those of `bindAway` do not), keeps its
 * buffers alive for the length of the call (they are arguments of it) and retries on EINTR.
 */

import os from 'node:os';
import koffi from 'koffi';

const library = koffi.load('libc.so.6');

/** Of two names of one number (EAGAIN and EWOULDBLOCK) the first, as in Node's own errors: the later entry of a Map wins. */
const NAMES = new Map<number, string>(
  Object.entries(os.constants.errno)
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** A failed system call: `code` is the errno's name, as Node's own fs errors have it. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number, detail: string) {
    const code = NAMES.get(errno) ?? `errno ${errno}`;
    super(`${syscall}${detail === '' ? '' : ` ${detail}`}: ${code}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** errno's name of anything thrown by a wrapper of this folder or by node:fs; undefined for everything else. */
export function errnoName(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** A C function that returns -1 and sets errno, or a result. Bound when first used: most processes need few of them. */
type Bound = (...args: unknown[]) => number;

const EINTR = os.constants.errno.EINTR;

/**
 * Binds `prototype` (C syntax) and returns a caller that throws SyscallError on a negative result. `detail` says on
 * what (a path); it is only evaluated on failure.
 */
export function bind(name: string, prototype: string): (args: unknown[], detail?: string) => number {
  let bound: Bound | undefined;
  return (args, detail = '') => {
    bound ??= library.func(prototype) as unknown as Bound;
    for (;;) {
      const result = Number(bound(...args));
      if (result >= 0) return result;
      const errno = koffi.errno();
      if (errno !== EINTR) throw new SyscallError(name, errno, detail);
    }
  };
}

/** A bound function that koffi can also call on a thread of libuv's pool. */
interface BoundAway {
  async(...args: unknown[]): void;
}

/**
 * As `bind`, but called on a thread of libuv's pool: for calls that wait in the kernel, and that act on nothing that a
 * thread has of its own. koffi brings errno over to the callback.
 */
export function bindAway(name: string, prototype: string): (args: unknown[], detail?: string) => Promise<number> {
  let bound: BoundAway | undefined;
  const once = (args: unknown[]) =>
    new Promise<{ result: number; errno: number }>((resolve, reject) => {
      bound ??= library.func(prototype) as unknown as BoundAway;
      bound.async(...args, (error: Error | null, result: unknown) => {
        if (error !== null) reject(error);
        else resolve({ result: Number(result), errno: koffi.errno() });
      });
    });
  return async (args, detail = '') => {
    for (;;) {
      const { result, errno } = await once(args);
      if (result >= 0) return result;
      if (errno !== EINTR) throw new SyscallError(name, errno, detail);
    }
  };
}

/** Binds a call by its number, for those that glibc 2.36 has no wrapper of. `types` are the C types of the arguments. */
export function bindNumber(name: string, number: number, types: readonly string[]) {
  const parameters = ['long number', ...types.map((type, index) => `${type} a${index}`)].join(', ');
  const call = bind(name, `long syscall(${parameters})`);
  return (args: unknown[], detail = '') => call([number, ...args], detail);
}
