/** Holds the rules that no compiler checks: what may import what, how long a file may be, what the top level is. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** dist/test/architecture.test.js -> the repository. */
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const FLOORS = ['cri', 'sandbox', 'volumes', 'runtime'] as const;

/** What the owner put at the top of the repository, and the files that tools look for there. */
const TOP_LEVEL = new Set([
  ...['cri', 'sandbox', 'volumes', 'runtime', 'manifests', 'test', 'docs', '.ci', '.gitignore', '.gitattributes'],
  ...['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json', 'package-lock.json', 'tsconfig.json', 'biome.json'],
]);

/** Files that import nothing of crib's but each other, which everybody may use: errors, the logger's interface, the clock, small tools, steps. */
const STEPS = ['runtime/step-names.ts', 'runtime/steps.ts', 'runtime/failpoints.ts'];
const TOOLS = ['runtime/clock.ts', 'runtime/all-done.ts', 'runtime/child-stdio.ts'];
const LEAVES = ['runtime/errors.ts', 'runtime/log.ts', 'runtime/durable-file.ts', ...TOOLS, ...STEPS];

/** Which folder may import which. A file's folder is the longest of these that its path begins with. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  cri: ['cri', 'sandbox', 'volumes', 'runtime', 'runtime/keeper', 'runtime/linux', ...LEAVES],
  sandbox: ['sandbox', 'volumes', 'runtime', 'runtime/keeper', 'runtime/linux', ...LEAVES],
  volumes: ['volumes', 'runtime', 'runtime/linux', ...LEAVES],
  runtime: ['runtime', 'runtime/keeper', 'runtime/linux', ...LEAVES],
  'runtime/keeper': ['runtime/keeper', 'runtime/linux', ...LEAVES],
  'runtime/linux': ['runtime/linux', 'runtime/errors.ts'],
  'runtime/errors.ts': [],
  'runtime/durable-file.ts': ['runtime/linux', 'runtime/errors.ts'],
  'runtime/log.ts': [],
  'runtime/clock.ts': [],
  'runtime/all-done.ts': [],
  'runtime/child-stdio.ts': [],
  'runtime/step-names.ts': [],
  'runtime/steps.ts': ['runtime/step-names.ts'],
  'runtime/failpoints.ts': [...STEPS, 'runtime/errors.ts'],
};
/** `cri/` makes no system calls; its command reads files and asks the host (`crib doctor`). */
const SYSCALLS_NOT_FROM = ['cri/services', 'cri/api'];

const MAX_LINES = 400;

/** What puts others together, or calls only what they are tested for: the tests of the whole are theirs. No new ones. */
const UNTESTED = [
  ...['cri/api/method.ts', 'cri/cli/commands/doctor.ts', 'cri/cli/commands/run.ts', 'cri/cli/doctor/backends.ts'],
  ...['cri/cli/gvisor-handler.ts', 'cri/cli/node-assembly.ts', 'cri/cli/streaming/session.ts'],
  ...['cri/kubernetes/pod-worker.ts', 'cri/streaming/spdy/frames.ts', 'sandbox/host/backend.ts'],
];

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

async function tracked(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: ROOT, maxBuffer: 1 << 24 });
  return stdout.split('\0').filter((path) => path !== '');
}

/** TypeScript sources with what they import, paths relative to the repository; packages by their names. */
async function sources(): Promise<Source[]> {
  const paths = (await tracked()).filter((path) => path.endsWith('.ts') && !path.includes('/generated/'));
  const read = paths.map(async (path) => {
    const text = await readFile(join(ROOT, path), 'utf8').catch(() => undefined);
    return text === undefined ? [] : [{ path, text, imports: importsOf(path, text) }];
  });
  return (await Promise.all(read)).flat();
}

function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/^(?:import|export)\s[^;]*?from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)/gms);
  return [...found].map((match) => {
    const name = match[1] ?? match[2] ?? match[3] ?? '';
    return name.startsWith('.') ? normalize(join(dirname(path), name)).replace(/\.js$/, '.ts') : name;
  });
}

function folderOf(path: string): string | undefined {
  const names = Object.keys(MAY_IMPORT).filter((name) => path === name || path.startsWith(`${name}/`));
  return names.sort((a, b) => b.length - a.length)[0];
}

/** The files on one import cycle, or nothing. Depth first; a file that is being visited again closes a cycle. */
function cycle(all: readonly Source[]): string[] {
  const byPath = new Map(all.map((source) => [source.path, source]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    const source = byPath.get(path);
    if (source === undefined || done.has(path)) return [];
    for (const next of source.imports) {
      const found = visit(next, [...trail, path]);
      if (found.length > 0) return found;
    }
    done.add(path);
    return [];
  };
  for (const { path } of all) {
    const found = visit(path, []);
    if (found.length > 0) return found;
  }
  return [];
}

const all = await sources();
const crib = all.filter(({ path }) => FLOORS.some((floor) => path.startsWith(`${floor}/`)));

describe('architecture', () => {
  it('imports only point down', () => {
    const wrong = crib.flatMap(({ path, imports }) => {
      const allowed = MAY_IMPORT[folderOf(path) ?? ''] ?? [];
      return imports
        .filter((name) => folderOf(name) !== undefined && !allowed.includes(folderOf(name) ?? ''))
        .map((name) => `${path} imports ${name}`);
    });
    assert.deepEqual(wrong, []);
  });

  it('nothing that crib runs imports a test', () => {
    const wrong = crib.flatMap(({ path, imports }) => (imports.some((name) => name.startsWith('test/')) ? [path] : []));
    assert.deepEqual(wrong, []);
  });

  it('only runtime/linux knows koffi', () => {
    const wrong = crib.filter(({ path, imports }) => imports.includes('koffi') && !path.startsWith('runtime/linux/'));
    assert.deepEqual(paths(wrong), []);
  });

  it('the services make no system calls', () => {
    const wrong = crib.filter(
      ({ path, imports }) =>
        SYSCALLS_NOT_FROM.some((dir) => path.startsWith(dir)) &&
        imports.some((name) => name.startsWith('runtime/linux/')),
    );
    assert.deepEqual(paths(wrong), []);
  });

  it('the keeper depends on no package', () => {
    const keeper = crib.filter(({ path }) => path.startsWith('runtime/keeper/'));
    const wrong = keeper.flatMap(({ path, imports }) =>
      imports
        .filter((name) => !name.startsWith('node:') && folderOf(name) === undefined)
        .map((name) => `${path}: ${name}`),
    );
    assert.deepEqual(wrong, []);
  });

  it('has no import cycle', () => {
    // A cycle of types alone is none when the program runs, but it is one for the reader.
    assert.deepEqual(cycle(all), []);
  });

  it(`has no file over ${MAX_LINES} lines`, () => {
    const long = all.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
    assert.deepEqual(
      long.filter(({ lines }) => lines > MAX_LINES),
      [],
    );
  });

  it('has nothing at the top level but what the owner put there', async () => {
    const top = new Set((await tracked()).map((path) => path.split('/')[0] ?? ''));
    assert.deepEqual(
      [...top].filter((name) => !TOP_LEVEL.has(name)),
      [],
    );
  });

  it('names no package registry', async () => {
    const hosts = ['registry', 'npmjs', 'org'].join('.');
    const others = [['proxy', 'golang', 'org'].join('.'), ['deb', 'debian', 'org'].join('.')];
    const wrong: string[] = [];
    for (const path of await tracked()) {
      const text = await readFile(join(ROOT, path), 'utf8').catch(() => '');
      for (const host of [hosts, ...others]) if (text.includes(host)) wrong.push(`${path}: ${host}`);
    }
    assert.deepEqual(wrong, []);
  });

  it('has a test beside every source file but those whose tests are others', async () => {
    const tests = new Set(all.map(({ path }) => path));
    const without = crib.filter(({ path }) => !tests.has(`test/${path.replace(/\.ts$/, '.test.ts')}`));
    const missing: string[] = [];
    for (const { path } of without) if (await hasCode(path)) missing.push(path);
    assert.deepEqual(missing, UNTESTED);
  });
});

/** A file of types and constants has nothing to test: what the compiler leaves of it has no function. */
async function hasCode(path: string): Promise<boolean> {
  const built = await readFile(join(ROOT, 'dist', path.replace(/\.ts$/, '.js')), 'utf8');
  return /\bfunction\b|\bclass\b|=>/.test(built.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, ''));
}

function paths(list: readonly Source[]): string[] {
  return list.map(({ path }) => path);
}
