/** The command line of `npm run conformance`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Which runtime to start; `endpoint` means one that runs already. */
  readonly runtime: 'crib' | 'containerd' | 'endpoint';
  /** `unix://…` of a runtime that runs already. */
  readonly endpoint: string;
  /** For `endpoint`: where the registry listens and the directory that gets the hosts.toml files. */
  readonly registryListen: string;
  readonly certsDir: string;
  readonly handler: string;
  readonly ociRuntime: string;
  /** crib's own; only for runtime `crib`. */
  readonly cgroupDriver: 'cgroupfs' | 'systemd';
  readonly focus: readonly string[];
  readonly skip: readonly string[];
  readonly nodes: number;
  /** The streaming specs speak WebSocket, not SPDY. */
  readonly websocket: boolean;
  /** `kill -9` of crib's processes while specs run; 0: none. */
  readonly kills: number;
  /** Of everything random: the moments and victims of kills, and then the order of the specs. */
  readonly seed: number;
}

const KILLS = 30;

export const USAGE = `usage: npm run conformance -- [options]
  --runtime crib|containerd   the runtime to start and test (default crib)
  --endpoint unix://PATH      test a runtime that runs already; needs --certs-dir
  --certs-dir DIR             with --endpoint: the runtime's certs.d, where hosts.toml files are written
  --registry HOST:PORT        with --endpoint: where the registry listens (default 127.0.0.1:0)
  --handler NAME              runtime handler that the pods ask for
  --oci-runtime NAME          runc (default) or crun
  --cgroup-driver NAME        cgroupfs (default) or systemd, for crib
  --focus RE, --skip RE       as critest's; may be given more than once
  --websocket                 the streaming specs use WebSocket instead of SPDY
  --nodes N                   specs at a time (default 4: most of a spec is waiting)
  --kill                      kill -9 of cribd, of the keeper and of both, at random moments, with crib only: specs
                              whose calls that cut are run once more without it, the others must pass
  --kills N                   how often, with --kill (default ${KILLS}); specs are run again until it is done
  --seed N                    with --kill: repeat the random choices of an earlier run, which printed it`;

/** Throws with the usage when the arguments do not fit. */
export function parseOptions(args: string[]): Options {
  const text = { type: 'string' } as const;
  const several = { type: 'string', multiple: true } as const;
  const { values } = parseArgs({
    args,
    options: {
      runtime: text,
      endpoint: text,
      'certs-dir': text,
      registry: text,
      handler: text,
      'oci-runtime': text,
      'cgroup-driver': text,
      focus: several,
      skip: several,
      nodes: text,
      websocket: { type: 'boolean' },
      kill: { type: 'boolean' },
      kills: text,
      seed: text,
    },
  });
  const runtime = values.endpoint === undefined ? (values.runtime ?? 'crib') : 'endpoint';
  if (runtime !== 'crib' && runtime !== 'containerd' && runtime !== 'endpoint') throw new Error(USAGE);
  const certsDir = values['certs-dir'] ?? '';
  if (runtime === 'endpoint' && certsDir === '') throw new Error(USAGE);
  const nodes = wholeNumber(values.nodes ?? '4', 1);
  const kills = values.kill === true ? wholeNumber(values.kills ?? String(KILLS), 1) : 0;
  if (kills > 0 && runtime !== 'crib') throw new Error(USAGE);
  const cgroupDriver = values['cgroup-driver'] ?? 'cgroupfs';
  if (cgroupDriver !== 'cgroupfs' && cgroupDriver !== 'systemd') throw new Error(USAGE);
  return {
    runtime,
    certsDir,
    nodes,
    kills,
    seed: wholeNumber(values.seed ?? String(Math.floor(Math.random() * 2 ** 31)), 0),
    cgroupDriver,
    websocket: values.websocket ?? false,
    endpoint: values.endpoint ?? '',
    registryListen: values.registry ?? '127.0.0.1:0',
    handler: values.handler ?? '',
    ociRuntime: values['oci-runtime'] ?? 'runc',
    focus: values.focus ?? [],
    skip: values.skip ?? [],
  };
}

function wholeNumber(text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new Error(USAGE);
  return value;
}
