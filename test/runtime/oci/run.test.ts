import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { RUNTIME_PATH } from '../../../runtime/oci/environment.js';
import { runRuntime } from '../../../runtime/oci/run.js';
import { until } from '../../support/until.js';

let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-oci-run-'));
});
after(() => fs.rmSync(directory, { recursive: true }));

const LONG = 60_000;
let count = 0;

/** A program that is called as a runtime is. */
function runtime(script: string): string {
  count += 1;
  const file = path.join(directory, `runtime-${count}`);
  fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

test('its output is the answer, its input is given, and nothing else of this process reaches it', async () => {
  process.env.CRIB_SECRET = 'not for a runtime';
  const program = runtime('cat; pwd; env | grep -v "^PWD=\\|^SHLVL=\\|^_=\\|^OLDPWD="');
  const said = await runRuntime([program, 'state', 'c1'], LONG, 'input ');
  delete process.env.CRIB_SECRET;
  assert.deepEqual(
    said
      .trimEnd()
      .split('\n')
      .map((line) => line.trim()),
    ['input /', `PATH=${RUNTIME_PATH}`],
  );
  assert.equal(
    await runRuntime([runtime('exit 0'), 'state', 'c1'], LONG, 'x'.repeat(1 << 20)),
    '',
    'who reads nothing',
  );
  assert.equal((await runRuntime([runtime('head -c 3000000 /dev/zero'), 'events', 'c1'], LONG)).length, 1 << 20);
});

test('a failure names program, command and container, and the runtime’s own reason', async () => {
  const log = path.join(directory, 'log.json');
  const logged = (message: string) => `echo '{"level":"error","msg":"${message}"}' >>${log}`;
  fs.writeFileSync(log, '{"level":"error","msg":"of an earlier run"}\n');
  const options = ['--root', '/r', '--log', log, '--log-format=json', '--systemd-cgroup'];
  for (const [script, expected] of [
    [`${logged('no such thing')}; echo stderr >&2; exit 1`, /^runtime-\d+ delete c1: no such thing$/],
    ['echo first >&2; echo why >&2; exit 3', /^runtime-\d+ delete c1: first\nwhy$/],
    ['exit 3', /^runtime-\d+ delete c1: exit code 3$/],
    ['kill -TERM $$', /^runtime-\d+ delete c1: it was killed by SIGTERM$/],
    ['head -c 5000 /dev/zero | tr "\\0" x >&2; echo end >&2; exit 1', /^runtime-\d+ delete c1: x{2045}end$/],
  ] as const) {
    const failure = runRuntime([runtime(script), ...options, 'delete', '--force', 'c1'], LONG);
    await assert.rejects(failure, { code: 'INTERNAL', message: expected }, script);
  }
  const early = runRuntime([runtime('exit 1'), '--log'], LONG);
  await assert.rejects(early, { code: 'INTERNAL' }, 'an option without its value');
});

test('a container that the runtime does not know is NOT_FOUND, in the words of each', async () => {
  for (const [words, code] of [
    ['container does not exist', 'NOT_FOUND'],
    ['container with id c1 does not exist', 'NOT_FOUND'],
    ['error opening file `/run/crun/c1/status`: No such file or directory', 'NOT_FOUND'],
    ['loading container: file does not exist', 'NOT_FOUND'],
    ['the file of the container does not exist here', 'INTERNAL'],
    ['error opening file `/c1/config.json`: No such file or directory', 'INTERNAL'],
  ] as const) {
    const failure = runRuntime([runtime('echo "$2" >&2; exit 1'), 'state', words], LONG);
    await assert.rejects(failure, { code }, words);
  }
});

test('what takes too long is killed, and what it has left in the background is not waited for', async () => {
  const late = runRuntime([runtime('exec sleep 1000'), 'run', 'c1'], 50);
  await assert.rejects(late, { code: 'DEADLINE_EXCEEDED', message: /run c1 was killed after 50 ms/ });
  const began = performance.now();
  const pid = Number(await runRuntime([runtime('sleep 1000 & echo $!'), 'create', 'c1'], LONG));
  assert.ok(performance.now() - began < 60_000);
  process.kill(pid, 'SIGKILL');
  const nobody = runRuntime(['/does/not/exist', 'state', 'c1'], LONG);
  await assert.rejects(nobody, { code: 'UNAVAILABLE', message: /starting \/does\/not\/exist: .*ENOENT/ });
});

test('what is cancelled is killed; who comes cancelled already starts nothing', async () => {
  const controller = new AbortController();
  const begun = path.join(directory, 'begun');
  const program = runtime(`echo $$ >>${begun}; exec sleep 1000`);
  const cut = runRuntime([program, 'port-forward', 'c1'], LONG, '', controller.signal);
  const pid = () => Number(fs.existsSync(begun) ? fs.readFileSync(begun, 'utf8') : '');
  await until(() => pid() > 0, 'it runs');
  controller.abort();
  await assert.rejects(cut, { code: 'CANCELLED', message: /port-forward c1 was cancelled/ });
  assert.equal(fs.existsSync(`/proc/${pid()}`), false);
  const late = runRuntime([program, 'port-forward', 'c1'], LONG, '', controller.signal);
  await assert.rejects(late, { code: 'CANCELLED' });
  assert.equal(fs.readFileSync(begun, 'utf8').trim().split('\n').length, 1);
});
