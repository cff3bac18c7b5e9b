/** The `crib` command: reads the command line, runs one command, turns what was thrown into one line and an exit code. */

import { CommanderError } from 'commander';
import { CribError, messageOf } from '../../runtime/errors.js';
import { printable } from './output.js';
import { buildProgram } from './program.js';

/** Exit codes: 1 what was asked failed, 2 it was not asked rightly; `run` and `exec` end as the container did. */
const FAILED = 1;
const USAGE = 2;

async function main(): Promise<number> {
  const program = buildProgram();
  if (process.argv.length < 3) {
    process.stderr.write(program.helpInformation());
    return USAGE;
  }
  try {
    await program.parseAsync(process.argv);
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    // Commander has printed its own already: help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    process.stderr.write(`crib: ${oneLine(messageOf(error))}\n`);
    if (!(error instanceof CribError) && process.env.CRIB_DEBUG !== undefined && error instanceof Error) {
      process.stderr.write(`${error.stack}\n`);
    }
    return FAILED;
  }
}

function oneLine(text: string): string {
  return printable(text.trim().replace(/\s*\n\s*/g, ' '));
}

// `crib ps | head -1` closes the pipe early; that is no failure. A full disk is one, and is said in one line.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`crib: writing to standard output: ${oneLine(error.message)}\n`);
  process.exit(FAILED);
});
// Nobody can be told; what was asked for goes on.
process.stderr.on('error', () => {});

void main().then((code) => {
  process.exitCode = code;
  // A `serve` that could not start has its connection to the keeper, which would keep the process.
  if (code === FAILED) process.exit();
});
