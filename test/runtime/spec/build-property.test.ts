import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { buildSpec } from '../../../runtime/spec/build.js';
import { accepted, fuzzed } from '../../support/fuzz.js';
import { input, type Spec } from './inputs.js';

const word = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('', '/', '..', '\0', 'ALL', '-1', '/a/../b', '=='));
const path = fc.oneof(
  word,
  fc
    .array(fc.constantFrom('a', 'dev', 'shm', 'sys', '..', '.', ''), { maxLength: 5 })
    .map((parts) => `/${parts.join('/')}`),
);
const number = fc.oneof(fc.integer(), fc.double(), fc.maxSafeInteger(), fc.constantFrom(0, 1, 2, 1024, Number.NaN));
const capability = fc.oneof(fc.constantFrom('ALL', 'all', 'CHOWN', 'cap_net_admin', 'SYS_ADMIN', 'NOPE'), word);
const profile = fc.option(
  fc.record({ type: fc.constantFrom('runtime-default', 'unconfined', 'localhost'), localhostRef: word }),
  { nil: undefined },
);
/** Nothing to refuse in it. */
const absolute = fc
  .array(fc.constantFrom('a', 'dev', 'shm', 'sys', 'b c'), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);
const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 4 });

const resources = fc.record({
  cpuPeriod: number,
  cpuQuota: number,
  cpuShares: number,
  memoryLimit: number,
  memorySwapLimit: number,
  oomScoreAdj: fc.oneof(number, fc.integer({ min: -1000, max: 1000 })),
  cpusetCpus: word,
  cpusetMems: word,
  hugepageLimits: list(fc.record({ pageSize: fc.constantFrom('2MB', '1GB', 'x'), limit: number })),
  unified: fc.dictionary(word, word, { maxKeys: 2 }),
});
const security = fc.record({
  privileged: fc.boolean(),
  namespaces: fc.constant(input.config.security.namespaces),
  addCapabilities: list(capability),
  dropCapabilities: list(capability),
  addAmbientCapabilities: list(capability),
  selinux: fc.option(fc.record({ user: word, role: word, type: word, level: word }), { nil: undefined }),
  runAsUser: fc.constant(undefined),
  runAsGroup: fc.constant(undefined),
  runAsUsername: fc.constant(''),
  readonlyRootfs: fc.boolean(),
  supplementalGroups: fc.constant([]),
  supplementalGroupsPolicy: fc.constant('merge'),
  noNewPrivs: fc.boolean(),
  maskedPaths: list(path),
  readonlyPaths: list(path),
  seccomp: profile,
  apparmor: profile,
});
const mild = <T>(arbitrary: fc.Arbitrary<T>, usual: T) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, arbitrary);
const config = fc.record({
  metadata: fc.constant(input.config.metadata),
  image: fc.constant(input.config.image),
  command: mild(list(word), ['/bin/true']),
  args: mild(list(word), ['-v']),
  workingDir: mild(path, '/'),
  envs: mild(list(fc.record({ key: word, value: word })), []),
  mounts: fc.constant([]),
  devices: fc.constant([]),
  cdiDevices: mild(list(word), []),
  labels: fc.dictionary(word, word),
  annotations: fc.dictionary(word, word),
  logPath: word,
  stdin: fc.boolean(),
  stdinOnce: fc.boolean(),
  tty: fc.boolean(),
  resources: mild(resources as fc.Arbitrary<typeof input.config.resources>, input.config.resources),
  security: mild(security as fc.Arbitrary<typeof input.config.security>, input.config.security),
  stopSignal: word,
});
const mount = (destination: fc.Arbitrary<string>) =>
  fc.record({ destination, type: word, source: path, options: list(word) });
const inputs = fc.record({
  config: config as fc.Arbitrary<typeof input.config>,
  mounts: fc.oneof({ weight: 3, arbitrary: list(mount(absolute)) }, list(mount(path))),
  image: fc.record({ entrypoint: list(word), cmd: list(word), env: list(word), workingDir: mild(path, '') }),
  localhostSeccomp: fc.oneof(
    fc.json().map((text) => JSON.parse(text) as unknown),
    fc.constant(undefined),
  ),
  cgroupVersion: fc.constantFrom(1 as const, 2 as const),
  privileged: fc.boolean(),
});

it(
  'makes a sound spec or throws a CribError',
  fuzzed(inputs, (given) => {
    const from = {
      ...input,
      config: given.config,
      mounts: given.mounts,
      image: { ...input.image, ...given.image },
      localhostSeccomp: given.localhostSeccomp,
      host: { ...input.host, cgroupVersion: given.cgroupVersion },
      pod: { ...input.pod, privileged: given.privileged },
    };
    checkSpec(
      accepted(['INVALID_ARGUMENT', 'FAILED_PRECONDITION', 'NOT_FOUND', 'UNIMPLEMENTED'], () => buildSpec(from)),
    );
  }),
);

function checkSpec(spec: unknown): void {
  assert.deepEqual(JSON.parse(JSON.stringify(spec)), spec, 'nothing is lost on the way to config.json');
  checkNumbers(spec);
  const { mounts, process } = spec as Spec;
  const own = mounts.map(({ destination }) => destination);
  for (const [index, destination] of own.entries()) {
    assert.ok(destination.startsWith('/') && !/\/(\.\.?|)(\/|$)/.test(destination.slice(1)), destination);
    const covered = own.slice(0, index).some((earlier) => earlier.startsWith(`${destination}/`));
    assert.ok(!covered, `${destination} covers an earlier mount`);
  }
  assert.ok(process.args.length > 0 && process.cwd.startsWith('/'));
  assert.equal(new Set(process.env.map((entry) => entry.split('=')[0])).size, process.env.length);
}

function checkNumbers(value: unknown): void {
  if (typeof value === 'number') assert.ok(Number.isSafeInteger(value), `${value}`);
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(checkNumbers);
}
