import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SandboxBackend } from '../../sandbox/backend.js';
import { Handlers } from '../../sandbox/handlers.js';

const capabilities = {
  guest: false,
  guestLocal: [],
  idmap: true,
  recursiveReadOnly: false,
  bidirectionalPropagation: true,
};
/** Only what a handler's description is made of. */
const backend = { capabilities } as unknown as SandboxBackend;
const runc = { name: 'runc', backend, detail: '/usr/sbin/runc 1.1.5' };
const crun = { name: 'crun', backend: undefined, detail: 'cgroups in hybrid mode' };

describe('handlers', () => {
  it('the empty name is the default one, which is recorded by its own name', () => {
    const handlers = new Handlers([runc, crun], 'runc');
    assert.equal(handlers.resolve(''), 'runc');
    assert.equal(handlers.get('runc'), backend);
  });

  it('an unknown default is a wrong configuration', () => {
    const expected = { code: 'INVALID_ARGUMENT', message: 'default_handler "kata" is unknown; there are: runc, crun' };
    assert.throws(() => new Handlers([runc, crun], 'kata'), expected);
  });

  it('an unknown one is refused, and one that cannot run here with its reason', () => {
    const handlers = new Handlers([runc, crun], 'crun');
    assert.throws(() => handlers.resolve('kata'), { code: 'INVALID_ARGUMENT', message: /runtime_handler "kata"/ });
    assert.throws(() => handlers.resolve(''), { code: 'FAILED_PRECONDITION', message: /crun .*hybrid mode/ });
  });

  it('what is there of one that is gone, or cannot run any more, is taken away still; nothing new is made', () => {
    const made: string[] = [];
    const leftovers = (name: string) => {
      made.push(name);
      return { capabilities } as unknown as SandboxBackend;
    };
    const handlers = new Handlers([runc, crun], 'runc', leftovers);
    assert.equal(handlers.existing('runc'), backend);
    assert.equal(handlers.existing('kata'), handlers.existing('kata'));
    assert.notEqual(handlers.existing('crun'), backend);
    assert.deepEqual(made, ['kata', 'crun']);
    assert.throws(() => handlers.get('kata'), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => handlers.get('crun'), { code: 'FAILED_PRECONDITION' });
  });

  it('containers are recorded by the runtime behind a name, which may have another one behind it later', () => {
    const handlers = new Handlers([runc, { ...runc, name: 'host', runtime: 'runc' }], 'host');
    assert.deepEqual(
      ['host', 'runc'].map((name) => handlers.runtimeOf(name)),
      ['runc', 'runc'],
    );
  });

  it('are listed with what they can do, the default marked', () => {
    const list = new Handlers([runc, crun], 'runc').list();
    assert.deepEqual(
      list.map(({ name, isDefault, available, userNamespaces }) => ({ name, isDefault, available, userNamespaces })),
      [
        { name: 'runc', isDefault: true, available: true, userNamespaces: true },
        { name: 'crun', isDefault: false, available: false, userNamespaces: false },
      ],
    );
  });
});
