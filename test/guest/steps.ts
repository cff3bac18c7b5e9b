/** What runs in the guest, one after the other: known to the host, which chooses and reports, and to the guest. */

export interface Step {
  readonly name: string;
  /** For the table. */
  readonly what: string;
  /** Arguments of Node, in the directory of the repository. */
  readonly command: readonly string[];
  /** How a choice on the command line is handed on; absent: the step is always whole. */
  narrow?(choice: Choice): readonly string[];
  /** Without hardware virtualisation; it is killed after them. */
  readonly limitMinutes: number;
}

/** What of a step is to run; empty: all of it. */
export interface Choice {
  /** Patterns of critest's specs, to run and to leave out. */
  readonly focus: readonly string[];
  readonly skip: readonly string[];
  /** Parts of the names of test files, and of a kubelet's checks. */
  readonly only: readonly string[];
}

const critest = (ociRuntime: string, cgroupDriver: string, limitMinutes: number): Step => ({
  name: `critest-${ociRuntime}-${cgroupDriver}`,
  what: `critest, ${ociRuntime}, cgroup driver ${cgroupDriver}`,
  command: ['dist/test/conformance/main.js', '--oci-runtime', ociRuntime, '--cgroup-driver', cgroupDriver],
  narrow: ({ focus, skip }) => [...withFlag('--focus', focus), ...withFlag('--skip', skip)],
  limitMinutes,
});

const kubelet = (pleg: string): Step => ({
  name: `kubelet-${pleg}`,
  what: `kubelet, cgroup driver systemd, ${pleg} PLEG`,
  command: ['dist/test/guest/kubelet.js', '--pleg', pleg, '--cgroup-driver', 'systemd'],
  narrow: ({ only }) => withFlag('--only', only),
  limitMinutes: 60,
});

function withFlag(flag: string, values: readonly string[]): string[] {
  return values.flatMap((value) => [flag, value]);
}

/** Test files that show something else where cgroups are v2 and systemd makes them. */
const TESTS = [
  'runtime/cgroups/',
  'runtime/spec/apparmor',
  'runtime/spec/run',
  'runtime/oci/',
  'sandbox/runtime',
  'verity/',
];

/** In the order in which they run. */
export const STEPS: readonly Step[] = [
  {
    name: 'doctor',
    what: 'crib doctor finds all that the host backend needs',
    command: ['dist/test/guest/doctor.js'],
    limitMinutes: 5,
  },
  {
    name: 'tests',
    what: "crib's own tests of cgroups, security modules and verity",
    command: ['dist/test/run.js'],
    narrow: ({ only }) => (only.length === 0 ? TESTS : only),
    limitMinutes: 30,
  },
  {
    name: 'units',
    what: 'crib and its keeper as systemd units',
    command: ['dist/test/guest/units.js'],
    limitMinutes: 15,
  },
  critest('runc', 'systemd', 45),
  critest('crun', 'systemd', 45),
  kubelet('evented'),
  kubelet('generic'),
  critest('crun', 'cgroupfs', 45),
  critest('runc', 'cgroupfs', 45),
];

/** Where the guest has the repository (the directory that manifests/*.service name), and the run's own things in it. */
export const GUEST_ROOT = '/opt/crib';
export const GUEST_PARTS = '.guest';

/** What the host tells the guest to do, as a file in GUEST_PARTS. */
export interface Plan extends Choice {
  readonly steps: readonly string[];
}
export const PLAN = 'plan.json';

/** What came of a step. */
export interface Result {
  readonly name: string;
  readonly seconds: number;
  /** Exit code, or why it has none. */
  readonly end: number | string;
}
/** Beside each step's output `NAME.log`. */
export const RESULTS = 'results.json';

/** Marks a line that the guest says to the host on its console, among those of the kernel. */
export const MARK = '@crib ';
/** The guest's first line, and its last. */
export const STARTED = 'started';
export const ENDED = 'ended';
