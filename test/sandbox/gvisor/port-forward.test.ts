import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { forwardPort } from '../../../sandbox/gvisor/port-forward.js';
import { until } from '../../support/until.js';

const NEVER = new AbortController().signal;
/** Connects to the socket, as runsc does before it asks the sentry, then does what the script says. */
const CONNECT = `require('net').connect(process.argv[1], () =>`;

/** A program in runsc's place, which runs `script` with the socket's path as its argument. */
function runscOf(t: TestContext, script: string) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-forward-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'runsc');
  fs.writeFileSync(path.join(directory, 'script.js'), script);
  const node = `exec ${process.execPath} -e "$(cat ${directory}/script.js)"`;
  const text = `#!/bin/sh\nwhile [ "$1" != --stream ]; do shift; done\n${node} "$2"\n`;
  fs.writeFileSync(file, text, { mode: 0o755 });
  const features = {
    recursiveReadOnly: true,
    userNamespaces: false,
    userNamespaceSubmounts: true,
    userNamespaceObstacle: '',
  };
  const runtime = new OciRuntime({ name: 'runsc', path: file, version: '', works: true, reason: '', features });
  const target = { id: 'pod', root: directory, log: path.join(directory, 'log') };
  return {
    runtime,
    target,
    directory,
    sockets: () => fs.readdirSync(directory).filter((n) => n.startsWith('forward-')),
  };
}

/** Sockets that this process has open. */
function openSockets(): number {
  const links = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith('socket:')).length;
}

test('a port that the sentry refuses leaves no socket open', async (t) => {
  const { runtime, target, sockets } = runscOf(t, `${CONNECT} process.exit(1))`);
  const refused = () => assert.rejects(forwardPort(runtime, target, 9, NEVER), { code: 'UNAVAILABLE' });
  await refused();
  const before = openSockets();
  for (let round = 0; round < 3; round += 1) await refused();
  await until(() => openSockets() <= before, 'no socket stays');
  assert.deepEqual(sockets(), []);
});

test('a client that goes ends a runsc that hangs, before it connects and after', async (t) => {
  for (const [script, begins] of [
    [`require('fs').writeFileSync(process.argv[1] + '.begun', ''); setTimeout(() => {}, 60_000)`, 'not connected'],
    [
      `${CONNECT} require('fs').writeFileSync(process.argv[1] + '.begun', '')); setTimeout(() => {}, 60_000)`,
      'connected',
    ],
  ] as const) {
    const { runtime, target, sockets } = runscOf(t, script);
    const client = new AbortController();
    const before = openSockets();
    const connecting = forwardPort(runtime, target, 8080, client.signal);
    const cut = assert.rejects(connecting, { code: 'CANCELLED' }, begins);
    await until(() => sockets().some((name) => name.endsWith('.begun')), begins);
    client.abort();
    await cut;
    await until(() => openSockets() <= before, 'no socket stays');
    assert.deepEqual(
      sockets().filter((name) => name.endsWith('.sock')),
      [],
    );
  }
});

test('a connection that runsc has handed over is the client’s', async (t) => {
  const script = `const s = ${CONNECT} s.end('hello', () => process.exit(0)))`;
  const { runtime, target } = runscOf(t, script);
  const connection = await forwardPort(runtime, target, 80, NEVER);
  let text = '';
  for await (const data of connection.setEncoding('utf8')) text += data;
  assert.equal(text, 'hello');
});
