import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startTimeOf } from '../../../runtime/linux/processes.js';
import { OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import type { ExecPlace } from '../../../sandbox/kept/exec-files.js';
import { execSync } from '../../../sandbox/kept/exec-sync.js';
import { withKeeper } from '../../runtime/keeper/harness.js';
import { until } from '../../support/until.js';

const LIMIT = { timeout: 60_000 };
const NEVER = new AbortController().signal;
const FEATURES = {
  ...{ recursiveReadOnly: false, userNamespaces: false, userNamespaceSubmounts: false },
  userNamespaceObstacle: '',
};

/** Called as an OCI runtime's exec is; the container's id says what becomes of it. */
const RUNTIME = `#!/bin/sh
while [ $# -gt 1 ]; do
  case $1 in --log) log=$2 ;; --process) process=$2 ;; --pid-file) pid_file=$2 ;; esac
  shift
done
case $1 in
good) cat "$process"; echo err >&2 ;;
fails) exit 7 ;;
warns) echo '{"level":"warning","msg":"nothing"}' >"$log"; exit 1 ;;
not-started) echo '{"level":"error","msg":"exec: \\"x\\": not found"}' >"$log"; exit 1 ;;
long) echo $$ >"$pid_file"; exec sleep 1000 ;;
beside) setsid sh -c 'echo $$ >"$0"; exec sleep 1000' "$pid_file" & wait ;;
starting) setsid sh -c 'echo $$ >"$0"; exec sleep 1000' "$process.started" & wait ;;
loud) head -c 9000000 /dev/zero ;;
esac
`;

async function withPlace(check: (place: ExecPlace) => Promise<void>): Promise<void> {
  const bundle = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-exec-sync-'));
  const file = path.join(bundle, 'runtime');
  fs.writeFileSync(file, RUNTIME, { mode: 0o755 });
  fs.writeFileSync(
    path.join(bundle, 'config.json'),
    JSON.stringify({ process: { args: ['init'], cwd: '/', user: { uid: 5 } } }),
  );
  const facts = { name: 'test', path: file, version: '', works: true, reason: '', features: FEATURES };
  await withKeeper(async ({ client }) => {
    await check({
      ...{ keeper: client, runtime: new OciRuntime(facts), env: { PATH: process.env.PATH ?? '' }, bundle },
      ...{ runtimeRoot: path.join(bundle, 'root'), owner: { uid: 0, gid: 0 } },
    });
  });
  fs.rmSync(bundle, { recursive: true });
}

test(
  'the command runs as the container does; its exit code is told, what the runtime could not start is an error',
  LIMIT,
  () =>
    withPlace(async (place) => {
      const exec = (id: string) => execSync(place, id, ['a b', '$x'], 0, NEVER);
      const good = await exec('good');
      const asked = { args: ['a b', '$x'], cwd: '/', user: { uid: 5 }, terminal: false };
      assert.deepEqual(
        [JSON.parse(good.stdout.toString()), good.stderr.toString(), good.exitCode],
        [asked, 'err\n', 0],
      );
      assert.equal((await exec('fails')).exitCode, 7);
      assert.equal((await exec('warns')).exitCode, 1);
      await assert.rejects(exec('not-started'), {
        code: 'UNKNOWN',
        message: 'exec in container not-started: exec: "x": not found',
      });
      assert.equal((await exec('loud')).stdout.length, 7 * 1024 * 1024, 'what fits an answer');
      assert.deepEqual(fs.readdirSync(place.bundle).sort(), ['config.json', 'runtime']);
    }),
);

test(
  'a command that is no process of the runtime’s group ends with its client, also while it is being started',
  LIMIT,
  () =>
    withPlace(async (place) => {
      for (const [id, suffix] of [
        ['beside', '.pid'],
        ['starting', '.started'],
      ] as const) {
        const abort = new AbortController();
        const unwanted = execSync(place, id, ['x'], 0, abort.signal);
        const pids = () =>
          fs
            .readdirSync(place.bundle)
            .filter((name) => name.endsWith(suffix))
            .map((name) => Number(fs.readFileSync(path.join(place.bundle, name), 'utf8')));
        await until(() => (pids()[0] ?? 0) > 0, `${id} runs`);
        const [pid = 0] = pids();
        abort.abort();
        await assert.rejects(unwanted, { code: 'CANCELLED' });
        await until(() => startTimeOf(pid) === undefined, `${id} is gone`);
      }
    }),
);

test(
  'after its time, or when nobody wants it any more, it is killed; no file is left of it, nor of one that fails early',
  LIMIT,
  () =>
    withPlace(async (place) => {
      const files = () => fs.readdirSync(place.bundle).filter((name) => name.startsWith('exec-'));
      const late = execSync(place, 'long', ['x'], 1, NEVER);
      await assert.rejects(late, {
        code: 'DEADLINE_EXCEEDED',
        message: 'exec in container long: timed out after 1 ms',
      });
      const abort = new AbortController();
      const unwanted = execSync(place, 'long', ['x'], 0, abort.signal);
      await until(() => files().some((name) => name.endsWith('.pid')), 'it runs');
      abort.abort();
      await assert.rejects(unwanted, { code: 'CANCELLED' });
      assert.deepEqual(files(), []);
      for (const [text, expected] of [
        ['{', SyntaxError],
        ['[]', { code: 'INTERNAL', message: /has no process/ }],
        ['{"process":null}', { code: 'INTERNAL', message: /has no process/ }],
      ] as const) {
        fs.writeFileSync(path.join(place.bundle, 'config.json'), text);
        await assert.rejects(execSync(place, 'good', ['x'], 0, NEVER), expected);
      }
      assert.deepEqual(files(), []);
    }),
);
