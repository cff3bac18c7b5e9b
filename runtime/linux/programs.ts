/** Becoming another program in place (execve(2)), and what passes through that: descriptors, memory files. */

import { F, FD_CLOEXEC } from './constants.js';
import { fcntl } from './files.js';
import { bind } from './libc.js';

const execveCall = bind('execve', 'int execve(const char *path, const char **argv, const char **environment)');
const memfdCreateCall = bind('memfd_create', 'int memfd_create(const char *name, unsigned int flags)');

const MFD_CLOEXEC = 1;

/**
 * execve(2): this process becomes `path` with the same pid, children and subreaper flag, and with the descriptors that are not
 * close-on-exec. The kernel ends all other threads first, and waits for those that hang in a system call. Returns only
 * by throwing; then nothing has happened.
 */
export function replaceProgram(
  path: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): never {
  const settings = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
  execveCall([path, [...argv, null], [...settings, null]], path);
  throw new Error(`execve ${path} returned`);
}

/** Whether `fd` is closed by execve(2), and so not inherited by children. */
export function setCloseOnExec(fd: number, closes: boolean): void {
  const flags = fcntl(fd, F.GETFD);
  fcntl(fd, F.SETFD, closes ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC);
}

/** memfd_create(2), close-on-exec: a file that lives as long as somebody has it open. The caller closes it. */
export function memoryFile(name: string): number {
  return memfdCreateCall([name, MFD_CLOEXEC], name);
}
