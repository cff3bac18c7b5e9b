/** The command line of `npm run test:kubelet` and `npm run test:cluster`. */
import { parseArgs } from 'node:util';

/** How a kubelet learns what happened to its pods: by listing them every second, or by events. */
export type Pleg = 'generic' | 'evented';

/** systemd only where that runs the machine: not in the box. */
export type CgroupDriver = 'cgroupfs' | 'systemd';

export interface Options {
  readonly plegs: readonly Pleg[];
  /** A cluster of one node, not static pods. */
  readonly apiServer: boolean;
  /** Only checks whose name has one of these; empty: all. */
  readonly only: readonly string[];
  /** Verbosity of the kubelet's log. */
  readonly verbosity: number;
  /** Of crib and kubelet. */
  readonly cgroupDriver: CgroupDriver;
  /** Inside the box only: the kubelet, and a directory for everything that the run makes. */
  readonly kubelet: string;
  readonly tools: string;
  readonly dir: string;
}

export const USAGE = `usage: npm run test:kubelet|test:cluster -- [options]
  --pleg generic|evented   only with this pod lifecycle event generator (default: one after the other; for test:cluster generic)
  --only TEXT              only checks whose name has TEXT; may be given more than once
  --verbosity N            of the kubelet's log (default 2)`;

/** Throws with the usage when the arguments do not fit. */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      ...{ pleg: text, only: { ...text, multiple: true }, verbosity: text },
      ...{ 'cgroup-driver': text, kubelet: text, tools: text, dir: text, 'api-server': { type: 'boolean' } as const },
    },
  });
  const { pleg } = values;
  if (pleg !== undefined && pleg !== 'generic' && pleg !== 'evented') throw new Error(USAGE);
  const cgroupDriver = values['cgroup-driver'] ?? 'cgroupfs';
  if (cgroupDriver !== 'cgroupfs' && cgroupDriver !== 'systemd') throw new Error(USAGE);
  const verbosity = Number(values.verbosity ?? '2');
  if (!Number.isInteger(verbosity) || verbosity < 0) throw new Error(USAGE);
  const apiServer = values['api-server'] ?? false;
  const all: readonly Pleg[] = apiServer ? ['generic'] : ['generic', 'evented'];
  return {
    plegs: pleg === undefined ? all : [pleg],
    apiServer,
    only: values.only ?? [],
    verbosity,
    cgroupDriver,
    kubelet: values.kubelet ?? '',
    tools: values.tools ?? '',
    dir: values.dir ?? '',
  };
}
