import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeptContainer } from '../../../runtime/keeper/protocol.js';
import { type PodInitParts, PodInits } from '../../../sandbox/host/pod-init.js';
import type { KeptProcesses } from '../../../sandbox/kept/kept-processes.js';
import { podRecord } from '../../support/records.js';

const RUNS = { directory: '', pid: process.pid, startTime: '1', startedAt: '1', logPath: '', exit: undefined };
const EXIT = { exitCode: 137, signal: 9, finishedAt: '2' };

function initsOf(kept: readonly KeptContainer[]): PodInits {
  const parts = { keeper: { list: async () => kept } } as unknown as PodInitParts;
  return new PodInits(parts, {} as KeptProcesses);
}

test('a pod with a shared PID namespace lives as long as the keeper has its init; any other has none', async () => {
  const alone = podRecord('alone');
  const shared = { ...alone, id: 'shared', namespaces: { ...alone.namespaces, pid: 'pod' } };
  const init = { ...RUNS, id: 'shared-init' };
  const alive = (kept: readonly KeptContainer[], pod = shared) => initsOf(kept).alive(pod);
  assert.equal(await alive([init]), true);
  assert.equal(await alive([{ ...init, exit: EXIT }]), false);
  assert.equal(await alive([{ ...init, id: 'other-init' }]), false, 'the keeper has lost it');
  assert.equal(await alive([], alone), true);
});
