import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAPABILITY_NAMES } from '../../../../runtime/spec/capabilities.js';
import { ALWAYS, BY_ARCHITECTURE, BY_CAPABILITY } from '../../../../runtime/spec/seccomp/syscalls.js';

const EVERYBODY = new Set([...ALWAYS, ...Object.values(BY_ARCHITECTURE).flatMap(({ calls }) => calls)]);

test('no call is listed twice', () => {
  assert.equal(new Set(ALWAYS).size, ALWAYS.length);
});

test('the calls by which containers were left before are not everybody’s', () => {
  const ways = `add_key keyctl request_key bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
    mount umount2 move_mount open_tree fsopen fsmount pivot_root setns unshare clone clone3 personality socket
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff open_by_handle_at
    settimeofday clock_settime clock_adjtime adjtimex quotactl acct iopl ioperm nfsservctl vm86 vm86old
    lookup_dcookie move_pages mbind set_mempolicy kcmp sethostname setdomainname syslog vhangup chroot`;
  const given = ways.split(/\s+/).filter((name) => EVERYBODY.has(name));
  // The clock may be read by adjtimex: to set it, the kernel asks for CAP_SYS_TIME.
  assert.deepEqual(given, ['clock_adjtime', 'adjtimex']);
});

test('a capability that gives a call is one that there is', () => {
  const unknown = Object.keys(BY_CAPABILITY).filter((name) => !CAPABILITY_NAMES.includes(name));
  assert.deepEqual(unknown, []);
  assert.equal(BY_CAPABILITY.CAP_NET_ADMIN, undefined, 'the network’s administrator has no call of its own');
});

test('a name is one call, as the kernel spells it', () => {
  const all = [...EVERYBODY, ...Object.values(BY_CAPABILITY).flat()];
  assert.deepEqual(
    all.filter((name) => !/^_?[a-z][a-z0-9_]*$/.test(name)),
    [],
  );
});

test('a 64-bit machine’s filter also covers the calls of its 32-bit programs', () => {
  for (const [machine, architectures] of [
    ['x64', ['SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_X86_64']],
    ['arm64', ['SCMP_ARCH_ARM', 'SCMP_ARCH_AARCH64']],
    ['s390x', ['SCMP_ARCH_S390', 'SCMP_ARCH_S390X']],
  ] as const) {
    assert.deepEqual(new Set(BY_ARCHITECTURE[machine]?.names), new Set(architectures), machine);
  }
});
