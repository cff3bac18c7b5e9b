/** Docker credential helpers (docker/docker-credential-helpers): `docker-credential-X get`, the host on stdin, JSON on stdout. */

import { spawn } from 'node:child_process';
import { withStdio } from '../../child-stdio.js';
import { CribError, messageOf } from '../../errors.js';
import type { Credentials } from './credentials.js';
import { cancelled } from './failure.js';

const TIMEOUT_MS = 15_000;
const MAX_OUTPUT = 64 * 1024;
/** With this user name the secret is an identity token. */
const TOKEN_USER = '<token>';

/** What the helper knows for `server`, or undefined when it knows nothing. Throws FAILED_PRECONDITION naming the helper. */
export async function askHelper(name: string, server: string, signal: AbortSignal): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
    throw new CribError(
      'FAILED_PRECONDITION',
      `Docker's config.json names a credential helper that is no program name`,
    );
  }
  const { status, output } = await run(program, server, signal);
  if (status !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw new CribError('FAILED_PRECONDITION', `${program} get for ${server} failed (${status}): ${oneLine(output)}`);
  }
  const { username, secret } = parseAnswer(program, output);
  if (username === '' && secret === '') return undefined;
  if (username === TOKEN_USER) return { kind: 'identity', token: secret };
  return { kind: 'basic', username, password: secret };
}

function parseAnswer(program: string, output: string): { username: string; secret: string } {
  try {
    const parsed: unknown = JSON.parse(output);
    const fields: Record<string, unknown> = typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
    const { Username: username, Secret: secret } = fields;
    if (typeof username === 'string' && typeof secret === 'string') return { username, secret };
  } catch {
    // The parser's message would quote the secret.
  }
  throw new CribError('FAILED_PRECONDITION', `${program} get did not answer with Username and Secret in JSON`);
}

/** Runs the helper in a process group of its own, which ends with the time limit or the caller. */
function run(
  program: string,
  input: string,
  signal: AbortSignal,
): Promise<{ status: number | string; output: string }> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled(program, signal));
    const child = withStdio(spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], detached: true }));
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (error: CribError): void => {
      reject(error);
      child.stdout.destroy();
      if (child.pid === undefined || child.exitCode !== null) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended by itself just now.
      }
    };
    const aborted = (): void => end(cancelled(program, signal));
    const late = (): void =>
      end(new CribError('FAILED_PRECONDITION', `${program} get did not end in ${TIMEOUT_MS} ms`));
    const timer = setTimeout(late, TIMEOUT_MS);
    signal.addEventListener('abort', aborted, { once: true });
    const settled = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    };
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${input}\n`);
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_OUTPUT) return end(new CribError('FAILED_PRECONDITION', `${program} get wrote too much`));
      chunks.push(chunk);
    });
    child.once('error', (error) => {
      settled();
      reject(new CribError('FAILED_PRECONDITION', `could not run ${program}: ${messageOf(error)}`, { cause: error }));
    });
    child.once('close', (code, killed) => {
      settled();
      resolve({ status: code ?? killed ?? 'ended', output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 200);
}
