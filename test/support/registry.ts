/** Debian's docker-registry on loopback, on a port of its own, for tests, the demo and the benchmarks. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PATIENCE } from './patience.js';

const START_TIMEOUT_MS = 20_000 * PATIENCE;
const STOP_TIMEOUT_MS = 5_000;

export interface RegistryOptions {
  /** Where blobs are kept; kept after `stop`. Default: a temporary directory that goes with the registry. */
  readonly dir?: string;
  /** `host:port`; port 0 takes a free one. */
  readonly listen?: string;
  /** Paths of a PEM certificate and key; the registry then speaks https. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Path of an htpasswd file (bcrypt); the registry then wants basic authentication. */
  readonly htpasswd?: string;
}

export interface Registry {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts a registry and waits until it listens. The caller owns it and must call `stop`. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const scratch = await mkdtemp(join(tmpdir(), 'crib-registry-'));
  const dir = options.dir ?? join(scratch, 'data');
  await mkdir(dir, { recursive: true });
  const file = join(scratch, 'config.json');
  // JSON is YAML, which is what the registry reads.
  await writeFile(file, JSON.stringify(configuration(dir, options)));
  const child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH } });
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    const address = await listeningAddress(child);
    return { address, pid: child.pid ?? -1, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Nothing else of the environment: REGISTRY_… variables would change the configuration. */
const PATH = process.env.PATH ?? '/usr/bin:/bin';

function configuration(dir: string, options: RegistryOptions): object {
  return {
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: dir }, delete: { enabled: true } },
    http: {
      addr: options.listen ?? '127.0.0.1:0',
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    },
    ...(options.htpasswd === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: options.htpasswd } } }),
  };
}

/** The registry logs `listening on 127.0.0.1:43211`; its stderr is read on, so that it never blocks. */
function listeningAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string) => reject(new Error(`docker-registry did not start (${why}): ${said.slice(-1000)}`));
    const timer = setTimeout(() => fail('time-out'), START_TIMEOUT_MS);
    child.on('error', (error) => fail(error.message));
    child.on('exit', (code) => fail(`exit code ${code}`));
    child.stderr?.on('data', (chunk: Buffer) => {
      if (said.length < 64_000) said += chunk.toString();
      const found = /listening on ([0-9.[\]:a-f]+:\d+)/.exec(said);
      if (found?.[1] === undefined) return;
      clearTimeout(timer);
      resolve(found[1]);
    });
  });
}

function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
