import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { placeSocket, socketPathOf } from '../../cri/socket.js';

let directory: string;

before(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-socket-'));
});

after(() => fs.rm(directory, { recursive: true }));

/** Listens there until it is closed. */
async function listen(file: string): Promise<net.Server> {
  const server = net.createServer((socket) => socket.end());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(file, () => resolve());
  });
  return server;
}

test('addresses of a unix socket', () => {
  for (const address of ['unix:///run/crib.sock', 'unix:/run/crib.sock', '/run/crib.sock', '/run//x/../crib.sock']) {
    assert.equal(socketPathOf(address), '/run/crib.sock');
  }
  for (const address of ['', 'unix://run/crib.sock', 'tcp://1.2.3.4:5', 'crib.sock', `/${'x'.repeat(107)}`]) {
    assert.throws(() => socketPathOf(address), { code: 'INVALID_ARGUMENT', message: /listen address/ }, address);
  }
});

test('the socket is there with its mode, and nothing else', async () => {
  const file = path.join(directory, 'a/b/crib.sock');
  let server: net.Server | undefined;
  await placeSocket(file, async (temporary) => {
    assert.equal(
      (await fs.stat(path.dirname(temporary))).mode & 0o777,
      0o700,
      'nobody connects before it has its mode',
    );
    server = await listen(temporary);
  });
  assert.equal((await fs.stat(file)).mode & 0o777, 0o660);
  assert.deepEqual(await fs.readdir(path.dirname(file)), ['crib.sock']);
  server?.close();
});

test('the socket of a dead daemon is replaced, that of a living one is not', async () => {
  const file = path.join(directory, 'taken.sock');
  const living = await listen(file);
  const taken = { code: 'FAILED_PRECONDITION', message: /another process answers on .*taken\.sock/ };
  await assert.rejects(
    placeSocket(file, async () => assert.fail('not reached')),
    taken,
  );
  // Closing takes away the socket at its own path; one that is killed leaves it.
  await fs.rename(file, `${file}.kept`);
  await new Promise((resolve) => living.close(resolve));
  await fs.rename(`${file}.kept`, file);
  let server: net.Server | undefined;
  await placeSocket(file, async (temporary) => {
    server = await listen(temporary);
  });
  server?.close();
});

test('what is no socket is left alone', async () => {
  const file = path.join(directory, 'precious');
  await fs.writeFile(file, 'data');
  const refused = { code: 'FAILED_PRECONDITION', message: /precious exists and is not a socket/ };
  await assert.rejects(
    placeSocket(file, async () => assert.fail('not reached')),
    refused,
  );
  assert.equal(await fs.readFile(file, 'utf8'), 'data');
});

test('a bind that fails says for which socket and leaves nothing', async () => {
  const file = path.join(directory, 'failed/crib.sock');
  const fail = async () => {
    throw new Error('no');
  };
  await assert.rejects(placeSocket(file, fail), { message: /making the socket .*failed\/crib\.sock: no/ });
  assert.deepEqual(await fs.readdir(path.dirname(file)), []);
});

test('a directory that cannot be made is said, and not tried for ever', async () => {
  const never = async () => assert.fail('not reached');
  await fs.writeFile(path.join(directory, 'file'), '');
  await assert.rejects(placeSocket(path.join(directory, 'file/crib.sock'), never), {
    code: 'FAILED_PRECONDITION',
    message: /making .*file: a file is in the way; move it away, or listen elsewhere$/,
  });
  await assert.rejects(placeSocket('/proc/crib/crib.sock', never), { code: 'ENOENT' });
});
