/** The command line of `npm run test:guest`. */
import { parseArgs } from 'node:util';
import { type Choice, STEPS, type Step } from './steps.js';

export type Accelerator = 'kvm' | 'tcg';

export interface Options {
  readonly steps: readonly Step[];
  /** In the order in which they are tried. */
  readonly accelerators: readonly Accelerator[];
  readonly choice: Choice;
  readonly processors: number;
  readonly memoryMib: number;
  /** Of the guest's whole life. */
  readonly limitMinutes: number;
}

export const USAGE = `usage: npm run test:guest -- [options]
  --step NAME            only these; may be given more than once: ${STEPS.map(({ name }) => name).join(', ')}
  --focus RE, --skip RE  as critest's; may be given more than once
  --only TEXT            only test files, or checks of the kubelet, whose name has TEXT; may be given more than once
  --accel kvm|tcg        how QEMU runs the guest (default: KVM where a guest starts with it, else TCG)
  --cpus N               default 2
  --memory MIB           default 4096
  --limit MINUTES        the guest's whole life (default 240)`;

/** Throws with the usage when the arguments do not fit. */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const several = { type: 'string', multiple: true } as const;
  const options = {
    step: several,
    focus: several,
    skip: several,
    only: several,
    accel: text,
    cpus: text,
    memory: text,
    limit: text,
  };
  const { values } = parseArgs({ args, options });
  const { accel } = values;
  if (accel !== undefined && accel !== 'kvm' && accel !== 'tcg') throw new Error(USAGE);
  const unknown = values.step?.filter((name) => !STEPS.some((step) => step.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(USAGE);
  return {
    steps: STEPS.filter(({ name }) => values.step?.includes(name) ?? true),
    accelerators: accel === undefined ? ['kvm', 'tcg'] : [accel],
    choice: { focus: values.focus ?? [], skip: values.skip ?? [], only: values.only ?? [] },
    processors: atLeast(1, values.cpus ?? '2'),
    memoryMib: atLeast(1024, values.memory ?? '4096'),
    limitMinutes: atLeast(1, values.limit ?? '240'),
  };
}

function atLeast(least: number, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new Error(USAGE);
  return value;
}
