/** CDI devices as a kubelet asks for them, in real containers. */

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { cdiDirectories } from '../support/node.js';
import { containerRequest, podRequest, type ServedNode, startServedNode } from '../support/server.js';

let served: ServedNode;
let pod = '';
let hookLog = '';
let serial = 0;

before(async () => {
  served = await startServedNode('10.203.32.0/24', 'cribtestcdi0');
  hookLog = path.join(served.node.directory, 'hooks');
  await fs.writeFile(path.join(served.node.directory, 'library'), 'from the host\n');
  const [etc = '', run = ''] = cdiDirectories(served.node.directory);
  await Promise.all([etc, run].map((directory) => fs.mkdir(directory, { recursive: true })));
  const hook = (hookName: string) => ({
    hookName,
    path: '/bin/sh',
    args: ['sh', '-c', `cat >/dev/null; echo ${hookName} >> ${hookLog}`],
  });
  const thing = {
    deviceNodes: [{ path: '/dev/thing', hostPath: '/dev/fuse', permissions: 'r' }],
    mounts: [{ hostPath: path.join(served.node.directory, 'library'), containerPath: '/lib/thing', options: ['ro'] }],
    hooks: ['createRuntime', 'poststart', 'poststop'].map(hook),
    additionalGids: [4321],
  };
  const spec = {
    cdiVersion: '0.7.0',
    kind: 'test.crib/thing',
    devices: [{ name: 'one', containerEdits: thing }],
    containerEdits: { env: ['THING=yes'] },
  };
  await fs.writeFile(path.join(etc, 'thing.json'), JSON.stringify(spec));
  const yaml =
    'cdiVersion: 0.6.0\nkind: test.crib/other\ndevices:\n- name: two\n  containerEdits: {env: [OTHER=two]}\n';
  await fs.writeFile(path.join(run, 'other.yaml'), yaml);
  pod = (await served.client.runtime.runPodSandbox(podRequest('cdi'))).podSandboxId;
});

after(() => served.stop());

async function create(change: { cdiDevices?: { name: string }[]; annotations?: Record<string, string> }) {
  serial += 1;
  const request = containerRequest(pod, `c${serial}`, served.node.image, 'sleep 1000');
  const config = { ...request.config, ...change };
  return (await served.client.runtime.createContainer({ ...request, config })).containerId;
}

async function shell(containerId: string, script: string): Promise<string> {
  const answer = await served.client.runtime.execSync({ containerId, cmd: ['sh', '-c', `(${script}) 2>&1`] });
  return Buffer.from(answer.stdout).toString().trim();
}

test('a container has the node, the mount, the environment and the group of a device, and its hooks are run', async () => {
  const annotations = { 'cdi.k8s.io/x': 'test.crib/other=two,test.crib/thing=one' };
  const containerId = await create({ cdiDevices: [{ name: 'test.crib/thing=one' }], annotations });
  await served.client.runtime.startContainer({ containerId });
  assert.equal(await shell(containerId, 'echo $THING $OTHER'), 'yes two');
  assert.equal(await shell(containerId, 'cat /lib/thing'), 'from the host');
  assert.match(await shell(containerId, 'touch /lib/thing'), /Read-only/);
  assert.equal(await shell(containerId, ': < /dev/thing; echo $?'), '0');
  assert.match(await shell(containerId, ': > /dev/thing'), /Operation not permitted|can't create/);
  assert.match(await shell(containerId, 'id -G'), /\b4321\b/);
  assert.equal(await fs.readFile(hookLog, 'utf8'), 'createRuntime\npoststart\n');
  await served.restart();
  await served.client.runtime.removeContainer({ containerId });
  assert.equal(await fs.readFile(hookLog, 'utf8'), 'createRuntime\npoststart\npoststop\n');
  assert.deepEqual(await fs.readdir(path.join(served.node.state, 'containers')), []);
});

test('a device that is not there, and a name that is none, are said to the client', async () => {
  await assert.rejects(create({ cdiDevices: [{ name: 'test.crib/thing=nine' }] }), {
    code: 'NOT_FOUND',
    message: /there are: test\.crib\/thing=one/,
  });
  await assert.rejects(create({ cdiDevices: [{ name: 'nine' }] }), {
    code: 'INVALID_ARGUMENT',
    message: /config\.CDI_devices\[0\]\.name/,
  });
});
