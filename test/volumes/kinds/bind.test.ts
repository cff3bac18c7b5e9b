import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bind } from '../../../volumes/kinds/bind.js';
import { KINDS } from '../../../volumes/registry.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf, kubeletVolume } from './facts-of.js';

test('it takes what no other kind does, and is asked last', () => {
  assert.equal(KINDS.all().at(-1), bind);
  for (const facts of [
    factsOf('/etc/hosts', { type: 'file' }),
    factsOf('/'),
    factsOf('/srv/gone', { type: 'missing' }),
    factsOf('/run/app.sock', { type: 'socket' }),
    factsOf(kubeletVolume('csi'), { mountPoint: kubeletVolume('csi') }),
  ]) {
    const { kind, evidence } = KINDS.recognise(facts, HOST);
    assert.equal(kind, bind, facts.realPath);
    assert.notEqual(evidence, '');
  }
});

test('a sandbox with a kernel of its own shares it from the host, and keeps no copy', () => {
  assert.deepEqual(
    bind.routes(HOST.capabilities).map(({ route }) => route),
    ['bind'],
  );
  assert.deepEqual(
    bind.routes(GUEST.capabilities).map(({ route }) => route),
    ['host-shared'],
  );
  assert.equal(bind.readByAll, undefined, 'containers write to it');
});
