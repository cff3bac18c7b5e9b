import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { CribError } from '../../runtime/errors.js';
import { containerKey } from '../../sandbox/container-record.js';
import { removeContainer } from '../../sandbox/container-remove.js';
import { fakeNode } from '../support/fake-node.js';

test('bundle, record and name go, once, and what is not there is no error', async (t) => {
  const cleared: string[] = [];
  const { node, addPod, addContainer, recorded, events } = await fakeNode(t, {
    keeper: { forget: async () => undefined },
    backend: { clear: async ({ id }) => void cleared.push(id) },
  });
  await addPod();
  const { record } = await addContainer('c', { state: 'exited' });
  const key = containerKey('pod', record.config);
  node.containerNames.set(key, Promise.resolve('c'));
  await fs.mkdir(path.join(node.bundle('c'), 'io'), { recursive: true });
  await Promise.all([removeContainer(node, 'c'), removeContainer(node, 'c')]);
  await removeContainer(node, 'c');
  assert.deepEqual(cleared, ['c']);
  assert.deepEqual(events, ['deleted c']);
  assert.equal(await recorded('c'), undefined);
  assert.equal(node.containerNames.has(key), false);
  await assert.rejects(fs.stat(node.bundle('c')), { code: 'ENOENT' });
});

test('where the runtime cannot let go, the record stays, and the next removal goes on', async (t) => {
  let refusals = 1;
  const { node, addPod, addContainer, recorded, events } = await fakeNode(t, {
    keeper: { forget: async () => undefined },
    backend: {
      clear: async () => {
        if (refusals-- > 0) throw new CribError('UNAVAILABLE', 'busy');
      },
    },
  });
  await addPod();
  await addContainer('c', { state: 'exited' });
  await assert.rejects(removeContainer(node, 'c'), { code: 'UNAVAILABLE' });
  assert.equal((await recorded('c'))?.id, 'c');
  assert.deepEqual(events, []);
  await removeContainer(node, 'c');
  assert.equal(await recorded('c'), undefined);
});

test('until the keeper has forgotten it, the bundle has its files; record and bundle outlast a keeper that is not there', async (t) => {
  let io = '';
  let refusals = 1;
  const { node, addPod, addContainer, recorded } = await fakeNode(t, {
    keeper: {
      forget: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20)); // all else is done meanwhile
        assert.equal(await fs.readFile(io, 'utf8'), '{}');
        if (refusals-- > 0) throw new CribError('UNAVAILABLE', 'the keeper is gone');
      },
    },
    backend: { clear: async () => undefined },
  });
  await addPod();
  await addContainer('c', { state: 'exited' });
  io = path.join(node.bundle('c'), 'io', 'keeper.json');
  await fs.mkdir(path.dirname(io), { recursive: true });
  await fs.writeFile(io, '{}');
  await assert.rejects(removeContainer(node, 'c'), { code: 'UNAVAILABLE' });
  assert.equal(await fs.readFile(io, 'utf8'), '{}');
  assert.equal((await recorded('c'))?.id, 'c');
  await removeContainer(node, 'c');
  assert.equal(await recorded('c'), undefined);
  await assert.rejects(fs.stat(node.bundle('c')), { code: 'ENOENT' });
});

test('what runs is killed first; one that stays is not removed', async (t) => {
  const order: string[] = [];
  const { node, addPod, addContainer } = await fakeNode(t, {
    keeper: {
      signal: async () => {
        order.push('signal');
        throw new CribError('UNAVAILABLE', 'the keeper is gone');
      },
    },
    backend: { clear: async () => void order.push('clear') },
  });
  await addPod();
  await addContainer('c');
  await assert.rejects(removeContainer(node, 'c'), { code: 'UNAVAILABLE' });
  assert.deepEqual(order, ['signal']);
  assert.notEqual(node.containers.find('c'), undefined);
});

test('what runs although it is recorded as ended is killed, and removed', async (t) => {
  const killed: string[] = [];
  const keeper = {
    forget: async () => {
      if (killed.length === 0) throw new CribError('FAILED_PRECONDITION', 'its init is running');
    },
    killAll: async (id: string) => void killed.push(id),
  };
  const { node, addPod, addContainer, recorded } = await fakeNode(t, {
    keeper,
    backend: { clear: async () => undefined },
  });
  await addPod();
  await addContainer('c', { state: 'exited' });
  await removeContainer(node, 'c');
  assert.deepEqual(killed, ['c']);
  assert.equal(await recorded('c'), undefined);
});
