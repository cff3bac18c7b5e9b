import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { inject, resolveCdi } from '../../../runtime/cdi/inject.js';
import { recordingLog } from '../../support/log.js';
import { config, inputWith } from '../spec/inputs.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-cdi-'));
after(() => fs.rmSync(directory, { recursive: true }));

const user = { uid: 1000, gid: 2000, additionalGids: [7], home: '/' };

async function injection(containerEdits: object) {
  const spec = { cdiVersion: '1.1.0', kind: 'v.com/c', devices: [{ name: 'x', containerEdits }] };
  fs.writeFileSync(path.join(directory, 'a.json'), JSON.stringify(spec));
  const { log, lines } = recordingLog();
  const found = await resolveCdi({ ...config, cdiDevices: ['v.com/c=x'] }, user, [directory], log);
  if (found === undefined) throw new Error('nothing was injected');
  return { found, lines };
}

test('a container that asks for no device has no directory read', async () => {
  assert.equal(await resolveCdi(config, user, ['/proc/self/mem'], recordingLog().log), undefined);
});

test('a node is as on the host where the file does not say, and belongs to the user of the container', async () => {
  const { found } = await injection({ deviceNodes: [{ path: '/dev/mine', hostPath: '/dev/null', permissions: 'r' }] });
  const node = { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o666, uid: 1000, gid: 2000, access: 'r' };
  assert.deepEqual(found.devices, [node]);
  const told = { path: '/dev/told', type: 'b', major: 9, minor: 8, fileMode: 0o600, uid: 1, gid: 2 };
  assert.deepEqual((await injection({ deviceNodes: [told] })).found.devices, [{ ...told, access: 'rwm' }]);
});

test('a node that the host does not have is refused', async () => {
  for (const node of [{ path: '/dev/no-such' }, { path: '/dev/null', type: 'b' }, { path: '/etc/passwd' }]) {
    await assert.rejects(injection({ deviceNodes: [node] }), {
      code: 'FAILED_PRECONDITION',
      message: /CDI device node/,
    });
  }
});

test('what is injected replaces what stood there', async () => {
  const { found } = await injection({
    env: ['A=new', 'B=with=sign'],
    mounts: [{ hostPath: '/etc', containerPath: '/data', options: ['ro'] }],
    additionalGids: [7, 9, 0],
  });
  const earlier = { destination: '/data', type: 'bind', source: '/old', options: [] };
  const other = { ...earlier, destination: '/other' };
  const base = { ...inputWith({ envs: [{ key: 'A', value: 'old' }] }), user, mounts: [earlier, other] };
  const input = inject(base, found);
  assert.deepEqual(input.mounts, [
    other,
    { destination: '/data', type: 'bind', source: '/etc', options: ['rbind', 'ro'] },
  ]);
  assert.deepEqual(input.config.envs.slice(1), [
    { key: 'A', value: 'new' },
    { key: 'B', value: 'with=sign' },
  ]);
  assert.deepEqual(input.user.additionalGids, [7, 9]);
});

test('intelRdt is left out with a line in the log, netDevices are refused', async () => {
  const { lines } = await injection({ env: ['A=1'], intelRdt: { closID: 'x' } });
  assert.match(JSON.stringify(lines), /intelRdt/);
  const netDevices = [{ hostInterfaceName: 'eth9', name: 'eth1' }];
  await assert.rejects(injection({ netDevices }), { code: 'FAILED_PRECONDITION', message: /netDevices/ });
});
