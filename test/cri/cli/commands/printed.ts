/** What a command of `crib` prints when it is called in this process. */

import type { TestContext } from 'node:test';
import type { Invocation } from '../../../../cri/cli/invocation.js';

export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** Text that is written while `work` runs; bytes are the test runner's own. Throws as `work`. */
export async function printed(t: TestContext, work: () => Promise<unknown>): Promise<Printed> {
  const said = { stdout: '', stderr: '' };
  const mocks = (['stdout', 'stderr'] as const).map((name) => {
    const write = process[name].write.bind(process[name]) as (...args: unknown[]) => boolean;
    const instead = (chunk: unknown, ...rest: unknown[]): boolean => {
      if (typeof chunk !== 'string') return write(chunk, ...rest);
      said[name] += chunk;
      return true;
    };
    return t.mock.method(process[name], 'write', instead as typeof process.stdout.write);
  });
  try {
    await work();
  } finally {
    for (const { mock } of mocks) mock.restore();
  }
  return said;
}

export function invocation(address: string, json = false): Invocation {
  return { connect: address, configFile: undefined, json };
}

/** The cells of a table that was printed, without its headings. */
export function rowsOf({ stdout }: Printed): string[][] {
  return stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(/ {2,}/));
}
