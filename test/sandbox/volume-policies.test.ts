import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SandboxBackend } from '../../sandbox/backend.js';
import { Handlers } from '../../sandbox/handlers.js';
import { volumePolicies } from '../../sandbox/volume-policies.js';
import { GUEST, HOST } from '../volumes/fixture.js';

/** Of a backend only its capabilities are asked. */
const backend = (capabilities: SandboxBackend['capabilities']) => ({ capabilities }) as unknown as SandboxBackend;
const handlers = new Handlers(
  [
    { name: 'host', backend: backend(HOST.capabilities), detail: '' },
    { name: 'inner', backend: backend(GUEST.capabilities), detail: '' },
    { name: 'absent', backend: undefined, detail: 'not installed' },
  ],
  'host',
);

test('what is configured is laid over what the sandbox does by itself', () => {
  const policyOf = volumePolicies({ inner: { routes: { emptydir: 'host-shared' }, tmp: 'image' } }, handlers);
  const inner = policyOf('inner', GUEST.capabilities);
  assert.deepEqual([inner.routes, inner.tmp, inner.overlay], [{ emptydir: 'host-shared' }, 'image', []]);
  assert.equal(policyOf('host', HOST.capabilities).tmp, 'image');
});

test('a route that the sandbox does not offer, or a handler that there is not, keeps the daemon from starting', () => {
  assert.throws(() => volumePolicies({ host: { routes: { emptydir: 'guest-local' } } }, handlers), {
    code: 'FAILED_PRECONDITION',
    message: /^volumes\.host\.emptydir: this sandbox has no route "guest-local"/,
  });
  assert.throws(() => volumePolicies({ gvisr: {} }, handlers), {
    code: 'INVALID_ARGUMENT',
    message: 'volumes.gvisr: there is no handler "gvisr"; there are: host, inner, absent',
  });
});

test('of a handler that cannot run here nothing is asked', () => {
  volumePolicies({ absent: { routes: { emptydir: 'guest-local' } } }, handlers);
});
