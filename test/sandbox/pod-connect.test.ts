/** Which connections are made at all; how, is the backend's affair (host/pod-connect.test.ts, gvisor/port-forward.test.ts). */

import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { connectToPod } from '../../sandbox/pod-connect.js';
import type { PodState } from '../../sandbox/pod-record.js';
import { fakeNode } from '../support/fake-node.js';

const NEVER = new AbortController().signal;

test('every port that there is is connected to, and no other', async (t) => {
  const asked: number[] = [];
  const connect = async (_: unknown, port: number) => {
    asked.push(port);
    return new PassThrough();
  };
  const { node, addPod } = await fakeNode(t, { backend: { connect } });
  await addPod();
  for (const port of [1, 65_535]) await connectToPod(node, 'pod', port, NEVER);
  for (const port of [0, 65_536, -1, 80.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    const message = `port ${port} is none: 1 to 65535 is meant`;
    await assert.rejects(connectToPod(node, 'pod', port, NEVER), { code: 'INVALID_ARGUMENT', message });
  }
  assert.deepEqual(asked, [1, 65_535]);
});

test('a pod that is not ready is refused with its state', async (t) => {
  const { node, addPod } = await fakeNode(t, { backend: { connect: () => assert.fail('it is not ready') } });
  const pod = await addPod();
  for (const state of ['creating', 'stopping', 'not-ready'] satisfies PodState[]) {
    pod.record = { ...pod.record, state };
    const message = `pod pod is ${state}; port-forward needs a ready one`;
    await assert.rejects(connectToPod(node, 'pod', 80, NEVER), { code: 'FAILED_PRECONDITION', message });
  }
  await assert.rejects(connectToPod(node, 'none', 80, NEVER), { code: 'NOT_FOUND' });
});
