import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rmi } from '../../../../cri/cli/commands/rmi.js';
import { startFakeService } from '../../../support/fake-service.js';
import { invocation, printed } from './printed.js';

const RUN = { user: '', env: [], entrypoint: [], cmd: [], workingDir: '', stopSignal: '', labels: {}, volumes: [] };
const known = (id: string) => ({ id, tags: [id], digests: [], size: 1, pinned: false, run: RUN, annotations: {} });
const { address, asked } = await startFakeService(
  {},
  { find: (name: string) => (name === 'none' ? undefined : known(name)), remove: async () => undefined },
);
const removed = () => asked.filter(([call]) => call === 'remove').map(([, name]) => name);

test('each that is removed is said, and one that is not there ends it with what to do', async (t) => {
  assert.equal((await printed(t, () => rmi(invocation(address), ['one', 'two']))).stdout, 'one\ntwo\n');
  const failing = printed(t, () => rmi(invocation(address), ['three', 'none', 'four']));
  await assert.rejects(failing, { code: 'NOT_FOUND', message: 'there is no image none; see crib images' });
  assert.deepEqual(removed(), ['one', 'two', 'three']);
});

test('as JSON there is one list', async (t) => {
  assert.deepEqual(JSON.parse((await printed(t, () => rmi(invocation(address, true), ['a', 'b']))).stdout), ['a', 'b']);
});
