/** The command line of `npm run test:kubelet`. */
import { parseArgs } from 'node:util';

/** How a kubelet learns what happened to its pods: by listing them every second, or by events. */
export type Pleg = 'generic' | 'evented';

/** systemd only where that runs the machine: not in the box. */
export type CgroupDriver = 'cgroupfs' | 'systemd';

export interface Options {
  readonly plegs: readonly Pleg[];
  /** Only checks whose name has one of these; empty: all. */
  readonly only: readonly string[];
  /** Verbosity of the kubelet's log. */
  readonly verbosity: number;
  /** Of crib and kubelet. */
  readonly cgroupDriver: CgroupDriver;
  /** Inside the box only: the kubelet, and a directory for everything that the run makes. */
  readonly kubelet: string;
  readonly dir: string;
}

export const USAGE = `usage: npm run test:kubelet -- [options]
  --pleg generic|evented   only with this pod lifecycle event generator (default: one after the other)
  --only TEXT              only checks whose name has TEXT; may be given more than once
  --verbosity N            of the kubelet's log (default 2)`;

/** Throws with the usage when the arguments do not fit. */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ pleg: text, only: { ...text, multiple: true }, verbosity: text },
      ...{ 'cgroup-driver': text, kubelet: text, dir: text },
    },
  });
  const { pleg } = values;
  if (pleg !== undefined && pleg !== 'generic' && pleg !== 'evented') throw new Error(USAGE);
  const cgroupDriver = values['cgroup-driver'] ?? 'cgroupfs';
  if (cgroupDriver !== 'cgroupfs' && cgroupDriver !== 'systemd') throw new Error(USAGE);
  const verbosity = Number(values.verbosity ?? '2');
  if (!Number.isInteger(verbosity) || verbosity < 0) throw new Error(USAGE);
  return {
    plegs: pleg === undefined ? ['generic', 'evented'] : [pleg],
    only: values.only ?? [],
    verbosity,
    cgroupDriver,
    kubelet: values.kubelet ?? '',
    dir: values.dir ?? '',
  };
}
