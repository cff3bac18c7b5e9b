/** Exec, Attach and PortForward through the RPCs, their URLs, and a pod of runc. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../../support/server.js';
import { everything, openCommand, openStream, socketClient, spdyClient } from '../../support/streaming.js';
import { until } from '../../support/until.js';

const V4 = 'v4.channel.k8s.io';
let served: ServedNode;
let pod = '';
let container = '';

before(async () => {
  served = await startServedNode('10.203.31.0/24', 'cribtestst0');
  const { runtime } = served.client;
  pod = (await runtime.runPodSandbox(podRequest('streams'))).podSandboxId;
  const request = containerRequest(pod, 'main', served.node.image, 'nc -l -p 8080 -e cat & cat; echo over; sleep 1000');
  const config = { ...request.config, stdin: true, stdinOnce: true };
  container = (await runtime.createContainer({ ...request, config })).containerId;
  await runtime.startContainer({ containerId: container });
});

after(() => served.stop());

const NOTHING = { tty: false, stdin: false, stdout: false, stderr: false };

async function execUrl(cmd: string[], streams: Partial<typeof NOTHING>): Promise<string> {
  return (await served.client.runtime.exec({ containerId: container, cmd, ...NOTHING, ...streams })).url;
}

test('exec: stdin, output, exit code', async () => {
  const url = await execUrl(['sh', '-c', 'cat; echo err >&2; exit 4'], { stdin: true, stdout: true, stderr: true });
  const streams = await openCommand(await spdyClient(url, V4), 'stdin', 'stdout', 'stderr');
  streams.get('stdin')?.end('in and out');
  const [stdout, stderr, error] = await Promise.all(
    ['stdout', 'stderr', 'error'].map((type) => everything(streams.get(type))),
  );
  assert.deepEqual([stdout, stderr], ['in and out', 'err\n']);
  assert.deepEqual(JSON.parse(error ?? '').details.causes, [{ reason: 'ExitCode', message: '4' }]);
});

test('exec in a terminal of the client’s size', async () => {
  const url = await execUrl(['stty', 'size'], { stdin: true, stdout: true, tty: true });
  const client = await socketClient(url, 'v5.channel.k8s.io');
  client.socket.send(Buffer.from('\x04{"Width":99,"Height":44}'));
  assert.equal(await client.closed, 1000);
  assert.equal(String(client.received(1)), '44 99\r\n');
});

test('the command of a client that is gone is killed', async () => {
  const running = async () => {
    const { stdout } = await served.client.runtime.execSync({ containerId: container, cmd: ['ps'], timeout: 10n });
    return String(stdout).includes('sleep 4321');
  };
  const connection = await spdyClient(await execUrl(['sleep', '4321'], { stdout: true }), V4);
  await openCommand(connection, 'stdout');
  while (!(await running()));
  connection.destroy();
  while (await running());
});

test('attach: the end of stdin reaches the container', async () => {
  const { url } = await served.client.runtime.attach({ containerId: container, ...NOTHING, stdin: true, stdout: true });
  const connection = await spdyClient(url, V4);
  const streams = await openCommand(connection, 'stdin', 'stdout');
  let said = '';
  streams.get('stdout')?.on('data', (data) => {
    said += data;
  });
  streams.get('stdin')?.end('hello\n');
  await until(() => said === 'hello\nover\n', 'the container answers');
  connection.destroy();
});

test('port-forward reaches the pod’s loopback', async () => {
  const { url } = await served.client.runtime.portForward({ podSandboxId: pod, port: [] });
  const connection = await spdyClient(url, 'portforward.k8s.io');
  const headers = { port: '8080', requestid: '0' };
  await openStream(connection, 'error', headers);
  const data = await openStream(connection, 'data', headers);
  data.end('through the pod');
  assert.equal(await everything(data), 'through the pod');
  connection.destroy();
});

test('only what runs has streams', async () => {
  const { runtime } = served.client;
  const other = (await runtime.createContainer(containerRequest(pod, 'other', served.node.image, 'true'))).containerId;
  await assert.rejects(runtime.exec({ containerId: other, cmd: ['true'], ...NOTHING, stdout: true }), /only a running/);
  await assert.rejects(runtime.attach({ containerId: other, ...NOTHING, stdout: true }), /only a running/);
  await runtime.stopPodSandbox({ podSandboxId: pod });
  await assert.rejects(runtime.portForward({ podSandboxId: pod, port: [] }), /not ready/);
});
