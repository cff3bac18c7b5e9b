/** `crib attach` to containers of runc. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { crib, startCrib, startInTerminal, startPod } from '../../../support/crib.js';
import { type ServedNode, startServedNode } from '../../../support/server.js';

const ECHO = 'while read line; do echo "got $line"; [ "$line" = bye ] && exit 5; done; sleep 1000';
let served: ServedNode;

before(async () => {
  served = await startServedNode('10.203.62.0/24', 'cribtestca0');
  await startPod(served, {
    terminal: [ECHO, { stdin: true, tty: true }],
    piped: [ECHO, { stdin: true }],
    silent: ['while :; do echo tick; sleep 0.1; done', {}],
  });
});

after(() => served.stop());

test('the detach keys leave the container running and the terminal as it was', async () => {
  const command = startInTerminal(served, 'attach', 'terminal');
  // What is typed before the session begins waits in the terminal.
  command.type('one\r');
  await command.shows(/got one/);
  command.type('\x10\x11');
  await command.shows(/crib: detached from terminal[^\n]*\r\ncode 0\r\nsame/);
});

test('other detach keys; none', async () => {
  const command = startInTerminal(served, 'attach', '--detach-keys', 'ctrl-a,d', 'terminal');
  command.type('two\r');
  await command.shows(/got two/);
  command.type('\x01d');
  await command.shows(/detached[\s\S]*code 0/);
});

test('it ends as the container does', async () => {
  const command = startInTerminal(served, 'attach', 'terminal');
  command.type('bye\r');
  await command.shows(/got bye\r\n[\s\S]*code 5/);
});

test('with pipes: stdin reaches the container, its end leaves it', async () => {
  const command = startCrib(served, 'attach', 'piped');
  command.type('three\n');
  await command.shows(/got three\n/);
  command.child.stdin?.end();
  assert.equal(await command.ended, 0);
  const last = startCrib(served, 'attach', 'piped');
  last.type('bye\n');
  assert.deepEqual([await last.ended, last.stdout], [5, 'got bye\n']);
});

test('a container without stdin shows its output alone', async () => {
  const command = startCrib(served, 'attach', '--no-stdin', 'silent');
  await command.shows(/tick\ntick\n/);
  command.child.kill('SIGINT');
  assert.equal(await command.ended, 'SIGINT');
});

test('what cannot be attached to: one line', async () => {
  for (const [words, message] of [
    [['attach', 'nowhere'], /^crib: there is no container nowhere[^\n]*\n$/],
    [['attach', '--detach-keys', 'ctrl', 'silent'], /^crib: --detach-keys: [^\n]*\n$/],
    [['attach', 'terminal'], /^crib: container [^\n]*exited[^\n]*\n$/],
  ] as const) {
    const { code, stderr } = await crib(served, words);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
});
