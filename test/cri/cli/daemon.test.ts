import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { withDaemon } from '../../../cri/cli/daemon.js';
import { CribError } from '../../../runtime/errors.js';
import { startFakeService } from '../../support/fake-service.js';
import { invocation } from './commands/printed.js';

function directoryOf(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-daemon-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  return directory;
}

test('the socket of the flag, else that of the configuration', async (t) => {
  const { address } = await startFakeService();
  const version = (given: Parameters<typeof withDaemon>[0]) => withDaemon(given, (cri) => cri.runtime.version({}));
  assert.equal((await version(invocation(address))).runtimeName, 'crib');
  const configFile = path.join(directoryOf(t), 'config.toml');
  fs.writeFileSync(configFile, `listen = "${address}"\n`);
  assert.equal((await version({ connect: undefined, configFile, json: false })).runtimeName, 'crib');
  const nowhere = 'unix:///nowhere/crib.sock';
  await assert.rejects(version({ connect: nowhere, configFile, json: false }), /\/nowhere\/crib\.sock/);
});

test('where no daemon is, it is said why, and how to get one', async (t) => {
  const directory = directoryOf(t);
  const file = path.join(directory, 'file');
  fs.writeFileSync(file, '');
  for (const [name, reason] of [
    [path.join(directory, 'none'), 'ENOENT'],
    [file, 'ECONNREFUSED'],
  ] as const) {
    const message = new RegExp(`no daemon answers at unix://${name} \\(.*${reason}.*crib serve.*--connect`);
    const asked = withDaemon(invocation(`unix://${name}`), (cri) => cri.runtime.version({}));
    await assert.rejects(asked, { code: 'UNAVAILABLE', message }, reason);
  }
});

test('somebody who answers, but not as a daemon does, is not said to be absent', async (t) => {
  const socket = path.join(directoryOf(t), 'socket');
  const server = net.createServer((client) => client.on('error', () => undefined).end('hello\n'));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  const asked = withDaemon(invocation(`unix://${socket}`), (cri) => cri.runtime.version({}));
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof CribError && error.code === 'UNAVAILABLE');
    assert.ok(!error.message.includes('no daemon answers'), error.message);
    return true;
  });
});

test('the command’s own error is not explained away', async () => {
  const { address } = await startFakeService();
  const failing = withDaemon(invocation(address), async () => {
    throw new TypeError('a bug');
  });
  await assert.rejects(failing, TypeError);
});
