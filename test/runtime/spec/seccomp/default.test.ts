import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CAPABILITY_NAMES } from '../../../../runtime/spec/capabilities.js';
import { defaultSeccomp, type Seccomp, type SeccompRule } from '../../../../runtime/spec/seccomp/default.js';

const CONTAINERD = fileURLToPath(new URL('../../../../../test/conformance/seccomp', import.meta.url));

const DEFAULTS =
  `CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT
  KILL AUDIT_WRITE`
    .split(/\s+/)
    .map((name) => `CAP_${name}`);

const SETS = [[], DEFAULTS, [...CAPABILITY_NAMES], ...CAPABILITY_NAMES.map((name) => [name])];

describe('the default profile and containerd’s', () => {
  it('let the same calls through, with the same conditions, for every capability set', (t) => {
    const reason = unavailable();
    if (reason !== undefined) {
      t.skip(reason);
      return;
    }
    const theirs = containerdProfiles();
    for (const [index, set] of SETS.entries()) {
      assert.deepEqual(effect(defaultSeccomp(set)), effect(theirs[index]), set.join(',') || 'no capability');
    }
  });
});

function unavailable(): string | undefined {
  if (spawnSync('go', ['version'], { timeout: 10_000 }).status !== 0) return 'there is no Go tool to build it with';
  const download = spawnSync('go', ['mod', 'download', 'github.com/containerd/containerd/v2'], {
    cwd: CONTAINERD,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return download.status === 0 ? undefined : `containerd's module cannot be fetched: ${download.stderr}`;
}

function containerdProfiles(): Seccomp[] {
  const { status, stdout, stderr } = spawnSync('go', ['run', '.'], {
    cwd: CONTAINERD,
    input: SETS.map((set) => `${set.join(',')}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 300_000,
  });
  assert.equal(status, 0, stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Seccomp);
}

/** What a profile does to each call: its rules in one order, where an unconditional one makes the others moot. */
function effect(profile: Seccomp | undefined): unknown {
  assert.ok(profile !== undefined);
  const calls = new Map<string, Set<string>>();
  for (const rule of profile.syscalls ?? []) {
    for (const name of rule.names) calls.set(name, (calls.get(name) ?? new Set()).add(describeRule(rule)));
  }
  const rules = [...calls].map(([name, all]) => {
    const plain = [...all].filter((rule) => !rule.includes('when'));
    return [name, plain.length > 0 ? plain.sort() : [...all].sort()] as const;
  });
  return {
    defaultAction: profile.defaultAction,
    defaultErrno: profile.defaultErrnoRet ?? 1,
    flags: profile.flags ?? [],
    architectures: [...(profile.architectures ?? [])].sort(),
    rules: rules.sort(([a], [b]) => (a < b ? -1 : 1)),
  };
}

function describeRule({ action, errnoRet, args }: SeccompRule): string {
  const conditions = (args ?? []).map(({ index, value, valueTwo, op }) => `${index} ${op} ${value} ${valueTwo ?? 0}`);
  return [action, errnoRet ?? '', ...(conditions.length > 0 ? ['when', ...conditions] : [])].join(' ');
}
