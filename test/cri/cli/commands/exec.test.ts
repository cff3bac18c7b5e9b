/** `crib exec` in a container of runc, with pipes and in a terminal. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { command as commandLine } from '../../../support/command.js';
import { childOf, crib, startCrib, startInTerminal, startPod } from '../../../support/crib.js';
import { type ServedNode, startServedNode } from '../../../support/server.js';

/** The first size, and the next one that is another. */
const CHANGES = 'echo on $(tty); while [ "$(stty size)" = "33 77" ]; do sleep 0.1; done; echo size $(stty size)';
let served: ServedNode;

before(async () => {
  served = await startServedNode('10.203.61.0/24', 'cribtestce0');
  await startPod(served, { main: ['sleep 1000', {}] });
});

after(() => served.stop());

test('output on both streams, exit code', async () => {
  const ran = await crib(served, ['exec', 'main', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
  assert.deepEqual(ran, { code: 3, stdout: 'out\n', stderr: 'err\n' });
});

test('-i: stdin and its end', async () => {
  const ran = await crib(served, ['exec', '-i', 'main', 'sh', '-c', 'cat; echo over'], 'typed');
  assert.deepEqual(ran, { code: 0, stdout: 'typedover\n', stderr: '' });
});

test('without -i a command reads EOF, and stdin stays the next one’s', async () => {
  assert.deepEqual(await crib(served, ['exec', 'main', 'cat'], 'for another'), { code: 0, stdout: '', stderr: '' });
});

test('20 MB come through, more than one answer may hold', async () => {
  const { code, stdout } = await crib(served, ['exec', 'main', 'sh', '-c', 'head -c 20000000 /dev/zero']);
  assert.deepEqual([code, stdout.length], [0, 20_000_000]);
});

test('--json and --timeout answer once; not with -i', async () => {
  const { stdout } = await crib(served, ['exec', '--json', 'main', 'sh', '-c', 'echo out; exit 4']);
  assert.deepEqual(JSON.parse(stdout), { exitCode: 4, stdout: 'out\n', stderr: '' });
  const late = await crib(served, ['exec', '--timeout', '1', 'main', 'sleep', '100']);
  assert.deepEqual([late.code, /^crib: .*timed out after 1000 ms/.test(late.stderr)], [1, true], late.stderr);
  const both = await crib(served, ['exec', '-i', '--json', 'main', 'cat']);
  assert.deepEqual([both.code, both.stderr], [1, 'crib: --json and --timeout are for commands without -i and -t\n']);
});

test('a command that is not there: one line', async () => {
  const { code, stderr } = await crib(served, ['exec', 'main', 'nowhere']);
  assert.equal(code, 1);
  assert.match(stderr, /^crib: [^\n]*nowhere[^\n]*not found[^\n]*\n$/);
});

test('-it: the terminal’s size, its change, keys as they are, and the terminal as before', async () => {
  const command = startInTerminal(served, 'exec', '-it', 'main', 'sh');
  await command.shows(/# /);
  command.type('stty size\r');
  await command.shows(/33 77/);
  // Ctrl-C is the shell's, not crib's.
  command.type("sh -c 'echo g$((0))o; sleep 1000'\r");
  await command.shows(/g0o/);
  command.type('\x03');
  command.type('echo st$((1))ll; exit 7\r');
  await command.shows(/st1ll/);
  await command.shows(/code 7\r\nsame/);
});

test('-it: a new size of the window reaches the command', async () => {
  const command = startInTerminal(served, 'exec', '-it', 'main', 'sh', '-c', CHANGES);
  await command.shows(/on .dev.pts/);
  const shell = await childOf(command.child.pid);
  await commandLine('stty', ['-F', `/proc/${shell}/fd/0`, 'rows', '44', 'cols', '55']);
  await command.shows(/size 44 55/);
  await command.ended;
});

test('-it: a signal ends crib and leaves the terminal as it was', async () => {
  const command = startInTerminal(served, 'exec', '-it', 'main', 'sh', '-c', 'echo ready; sleep 1000');
  await command.shows(/ready/);
  const pid = await childOf(await childOf(command.child.pid));
  process.kill(pid, 'SIGTERM');
  await command.shows(/code 143\r\nsame/);
});

test('the end of the daemon’s server: one line, and the terminal as before', async () => {
  const [piped, terminal] = [
    startCrib(served, 'exec', 'main', 'sh', '-c', 'echo ready; sleep 1000'),
    startInTerminal(served, 'exec', '-it', 'main', 'sh', '-c', 'echo ready; sleep 1000'),
  ];
  await Promise.all([piped.shows(/ready/), terminal.shows(/ready/)]);
  await served.restart();
  assert.equal(await piped.ended, 1);
  assert.match(piped.stderr, /^crib: [^\n]*\n$/);
  await terminal.shows(/crib: [^\n]*\r\ncode 1\r\nsame/);
});
