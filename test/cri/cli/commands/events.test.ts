/** `crib events` beside a pod that comes and goes. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCrib, startPod } from '../../../support/crib.js';
import { type ServedNode, startServedNode } from '../../../support/server.js';

let served: ServedNode;

before(async () => {
  served = await startServedNode('10.203.64.0/24', 'cribtestcv0');
});

after(() => served.stop());

test('a line for each event, or an object', async () => {
  const lines = startCrib(served, 'events');
  let pod = await startPod(served, { main: ['exit 3', {}] });
  await lines.shows(/stopped container [0-9a-f]{13} main pod test\/pod exit code 3\n/);
  const objects = startCrib(served, 'events', '--json');
  while (objects.stdout === '') {
    await served.client.runtime.removePodSandbox({ podSandboxId: pod });
    pod = await startPod(served, {});
  }
  const words = [...lines.stdout.matchAll(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (.*)$/gm)].map(([, rest]) =>
    rest?.replace(/ [0-9a-f]{13,}/, ''),
  );
  assert.deepEqual(words.slice(0, 5), [
    'created pod test/pod',
    'started pod test/pod',
    'created container main pod test/pod',
    'started container main pod test/pod',
    'stopped container main pod test/pod exit code 3',
  ]);
  for (const line of objects.stdout.trim().split('\n')) assert.equal(typeof JSON.parse(line), 'object');
  lines.child.kill('SIGINT');
  assert.equal(await lines.ended, 'SIGINT');
  // The daemon's end is the end of the stream, and said.
  await served.restart();
  assert.equal(await objects.ended, 1);
  assert.match(objects.stderr, /^crib: [^\n]*\n$/);
});
