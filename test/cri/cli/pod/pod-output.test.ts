import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';

const LINES =
  '2026-11-24T04:00:00.000000001Z stdout P half \n' +
  '2026-11-24T04:00:00.000000002Z stderr F oops\n' +
  '2026-11-24T04:00:00.000000003Z stdout F whole\n';

/** In a process whose streams are its own: those of this one are the test runner's too. */
const PROGRAM = `
  const [manifestModule, outputModule, names, json, file] = process.argv.slice(1);
  const { readManifest } = await import(manifestModule);
  const { PodOutput } = await import(outputModule);
  const containers = names.split(',').map((name) => ({ name, image: 'x' }));
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod' }, spec: { containers } };
  await new PodOutput(readManifest(pod), json === 'true').follow('web', file, () => true);`;
const MODULES = ['../../../../cri/cli/manifest.js', '../../../../cri/cli/pod/pod-output.js'].map(
  (name) => new URL(name, import.meta.url).href,
);

/** What the log of the container `web` comes to on each stream, beside `names` in a pod. */
async function followed(t: TestContext, names: string, json = false): Promise<{ stdout: string; stderr: string }> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-pod-output-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, '0.log');
  fs.writeFileSync(file, LINES);
  const args = ['--input-type=module', '-e', PROGRAM, ...MODULES, names, String(json), file];
  return promisify(execFile)(process.execPath, args, { timeout: 20_000 });
}

test('the lines of one container alone are as they were, each on its stream', async (t) => {
  assert.deepEqual(await followed(t, 'web'), { stdout: 'half whole\n', stderr: 'oops\n' });
});

test('of several each line has its container’s name in front, none in the middle of a line, no colour in a pipe', async (t) => {
  const said = await followed(t, 'web,sidecar');
  assert.deepEqual(said, { stdout: 'web     | half whole\n', stderr: 'web     | oops\n' });
});

test('as JSON all lines are on stdout, with the stream and the container in them', async (t) => {
  const { stdout, stderr } = await followed(t, 'web,sidecar', true);
  assert.equal(stderr, '');
  assert.deepEqual(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ container, stream, content }) => [container, stream, content]),
    [
      ['web', 'stdout', 'half '],
      ['web', 'stderr', 'oops'],
      ['web', 'stdout', 'whole'],
    ],
  );
});
