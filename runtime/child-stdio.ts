/** The pipes of a child process: whether it has them, and when they are at their end. */

import type { ChildProcess } from 'node:child_process';

/**
 * The child that was just spawned. Throws EMFILE where there were no descriptors for its pipes: that Node tells by an event
 * alone, and the streams are missing.
 */
export function withStdio<Child extends ChildProcess>(child: Child): Child {
  const stdio: unknown = child.stdio;
  if (stdio !== undefined) return child;
  child.on('error', () => undefined);
  throw Object.assign(new Error(`${child.spawnfile}: too many open files`), { code: 'EMFILE' });
}

/**
 * To be called when the child has exited. Resolves when what it wrote is at its end. What it has started may hold the pipes
 * for ever: after `milliseconds`, once nothing more lies in them, they are closed here.
 */
export function stdioClosed(child: ChildProcess, milliseconds: number): Promise<void> {
  const outputs = [child.stdout, child.stderr].filter((stream) => stream !== null);
  let moved = false;
  for (const stream of outputs) {
    stream.on('data', () => {
      moved = true;
    });
  }
  return new Promise((resolve) => {
    if (outputs.every(({ closed }) => closed)) return resolve();
    let timer = setTimeout(look, milliseconds);
    let turn: NodeJS.Immediate | undefined;
    const end = () => {
      clearTimeout(timer);
      clearImmediate(turn);
      resolve();
    };
    child.once('close', end);
    /** Timers come before the pipes in a turn of the event loop, which may be late. */
    function look(): void {
      moved = false;
      turn = setImmediate(() => {
        if (moved) {
          timer = setTimeout(look, 0);
          return;
        }
        for (const stream of outputs) stream.destroy();
        end();
      });
    }
  });
}
