import assert from 'node:assert/strict';
import { test } from 'node:test';
import { system } from '../../../volumes/kinds/system.js';
import { GUEST, HOST } from '../fixture.js';
import { factsOf } from './facts-of.js';

test('the source decides, wherever it is mounted', () => {
  for (const path of ['/proc', '/proc/1/ns', '/sys', '/sys/fs/cgroup']) {
    const evidence = system.matches(factsOf(path, { containerPath: '/host' }), HOST);
    assert.match(evidence ?? '', new RegExp(`the host's /${path.split('/')[1]}$`));
  }
  for (const path of ['/process', '/system', '/srv/proc', '/']) {
    assert.equal(system.matches(factsOf(path, { containerPath: '/proc' }), HOST), undefined, path);
  }
});

test('a guest serves its own', () => {
  assert.equal(system.routes(HOST.capabilities)[0].route, 'bind');
  assert.equal(system.routes(GUEST.capabilities)[0].route, 'skipped');
});
