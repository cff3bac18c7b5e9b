/** The configuration of `crib serve`: built-in defaults, then a TOML file, then flags. */

import fs from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'smol-toml';
import { CribError, messageOf } from '../../runtime/errors.js';
import { errnoName } from '../../runtime/linux/libc.js';
import { parseAddress } from '../streaming/address.js';
import { type ConfiguredPolicy, readVolumePolicy } from './config-volumes.js';

export const DEFAULT_CONFIG_FILE = '/etc/crib/config.toml';

export interface Config {
  /** `unix:///…`. */
  readonly listen: string;
  /** Images and durable state. */
  readonly root: string;
  /** What a reboot may drop. */
  readonly state: string;
  /** hosts.toml files in containerd's layout. */
  readonly certsDir: string;
  readonly cniConfDir: string;
  readonly cniBinDir: readonly string[];
  /** Name or path of the OCI runtime to prefer; empty: whichever works. */
  readonly ociRuntime: string;
  readonly defaultHandler: string;
  /** Who makes the cgroups: must be the kubelet's too. */
  readonly cgroupDriver: 'cgroupfs' | 'systemd';
  /** HOST:PORT of the streaming server. */
  readonly streamingAddress: string;
  /** PEM files of the streaming server; both empty: it speaks plain HTTP. */
  readonly streamingCertFile: string;
  readonly streamingKeyFile: string;
  readonly logLevel: string;
  readonly network: 'cni' | 'bridge';
  readonly bridgeName: string;
  readonly bridgeSubnets: readonly string[];
  /** Images that RemoveImage and the kubelet's garbage collection leave alone. */
  readonly pinnedImages: readonly string[];
  /** HOST:PORT, or PORT on loopback, of Prometheus metrics; empty: none. */
  readonly metricsAddress: string;
  /** URL of an OpenTelemetry collector that takes OTLP over HTTP; empty: no traces. */
  readonly tracingEndpoint: string;
  /** Data roots of Docker and Podman, for recognising their volumes. */
  readonly dockerRoots: readonly string[];
  /** Root directories of kubelets, for the volumes of pods without a uid and those inside of sandboxes. */
  readonly kubeletRoots: readonly string[];
  /** By handler: what `[volumes.HANDLER]` says. */
  readonly volumePolicies: Readonly<Record<string, ConfiguredPolicy>>;
  /** Credentials for the cluster's API, which tells what of a volume no directory does; empty: it is not asked. */
  readonly kubeconfig: string;
  /** Platform of gVisor's sandboxes; empty: systrap, else ptrace. */
  readonly gvisorPlatform: string;
  /** Directories of CDI specifications; of two that have a device, the later one has it. */
  readonly cdiSpecDirs: readonly string[];
}

const DEFAULTS: Config = {
  listen: 'unix:///run/crib/crib.sock',
  root: '/var/lib/crib',
  state: '/run/crib',
  certsDir: '/etc/crib/certs.d',
  cniConfDir: '/etc/cni/net.d',
  cniBinDir: ['/opt/cni/bin', '/usr/lib/cni'],
  ociRuntime: '',
  defaultHandler: 'host',
  cgroupDriver: 'cgroupfs',
  streamingAddress: '127.0.0.1:0',
  streamingCertFile: '',
  streamingKeyFile: '',
  logLevel: 'info',
  network: 'cni',
  bridgeName: 'crib0',
  bridgeSubnets: ['10.88.0.0/16'],
  pinnedImages: [],
  metricsAddress: '',
  tracingEndpoint: '',
  dockerRoots: [
    ...['/var/lib/docker', '/var/lib/containers/storage'],
    ...['/home/*/.local/share/docker', '/home/*/.local/share/containers/storage'],
  ],
  kubeletRoots: ['/var/lib/kubelet'],
  volumePolicies: {},
  kubeconfig: '',
  gvisorPlatform: '',
  cdiSpecDirs: ['/etc/cdi', '/run/cdi'],
};

/** The fields that one key of the file sets. */
type FlatField = Exclude<keyof Config, 'volumePolicies'>;

/** Names in the TOML file, with the field each sets. `docs/configuration.md` says what they mean; a test compares. */
export const CONFIG_KEYS: Readonly<Record<string, FlatField>> = {
  listen: 'listen',
  root: 'root',
  state: 'state',
  certs_dir: 'certsDir',
  oci_runtime: 'ociRuntime',
  default_handler: 'defaultHandler',
  cgroup_driver: 'cgroupDriver',
  streaming_address: 'streamingAddress',
  'streaming.tls_cert_file': 'streamingCertFile',
  'streaming.tls_key_file': 'streamingKeyFile',
  log_level: 'logLevel',
  'network.mode': 'network',
  'network.cni_conf_dir': 'cniConfDir',
  'network.cni_bin_dir': 'cniBinDir',
  'network.bridge.name': 'bridgeName',
  'network.bridge.subnets': 'bridgeSubnets',
  'images.pinned': 'pinnedImages',
  'metrics.address': 'metricsAddress',
  'tracing.endpoint': 'tracingEndpoint',
  'volumes.docker_roots': 'dockerRoots',
  'volumes.kubelet_roots': 'kubeletRoots',
  kubeconfig: 'kubeconfig',
  'cdi.spec_dirs': 'cdiSpecDirs',
  'gvisor.platform': 'gvisorPlatform',
};

/**
 * Reads the file (`undefined`: the default one, which need not exist) and lays `flags` over it. Throws
 * INVALID_ARGUMENT naming the key for one that is unknown or has a value of the wrong type.
 */
export async function loadConfig(file: string | undefined, flags: Partial<Config>): Promise<Config> {
  const fromFile = await readConfig(file ?? DEFAULT_CONFIG_FILE, file !== undefined);
  const config = { ...DEFAULTS, ...fromFile, ...flags };
  check(config);
  return config;
}

/** undefined: plain HTTP. */
export function streamingTls(config: Config): { certFile: string; keyFile: string } | undefined {
  const { streamingCertFile: certFile, streamingKeyFile: keyFile } = config;
  return certFile === '' ? undefined : { certFile, keyFile };
}

async function readConfig(file: string, required: boolean): Promise<Partial<Config>> {
  let text: string;
  try {
    text = await fs.readFile(file, 'utf8');
  } catch (error) {
    if (errnoName(error) === 'ENOENT' && !required) return {};
    throw new CribError('INVALID_ARGUMENT', `reading the configuration ${file}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return withPolicies(parse(text));
  } catch (error) {
    throw new CribError('INVALID_ARGUMENT', `${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Takes the tables of `volumes` out first: their names are those of handlers, which only a running node knows. */
function withPolicies(tables: Record<string, unknown>): Partial<Config> {
  const { volumes } = tables;
  if (!isTable(volumes)) return fieldsOf(tables);
  const policies = Object.entries(volumes).filter(([, value]) => isTable(value));
  const volumePolicies = Object.fromEntries(
    policies.map(([name, value]) => [name, readVolumePolicy(isTable(value) ? value : {}, `volumes.${name}`)]),
  );
  const others = Object.fromEntries(Object.entries(volumes).filter(([name]) => !Object.hasOwn(volumePolicies, name)));
  return { ...fieldsOf({ ...tables, volumes: others }), volumePolicies };
}

function fieldsOf(table: Record<string, unknown>, prefix = ''): Partial<Config> {
  let fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(table)) {
    const name = prefix + key;
    const field = CONFIG_KEYS[name];
    if (field !== undefined) fields[field] = typed(name, field, value);
    else if (isTable(value)) fields = { ...fields, ...fieldsOf(value, `${name}.`) };
    else throw new Error(`unknown key ${name}; there are: ${Object.keys(CONFIG_KEYS).join(', ')}`);
  }
  return fields;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function typed(name: string, field: FlatField, value: unknown): string | readonly string[] {
  if (Array.isArray(DEFAULTS[field])) {
    if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
    throw new Error(`${name} must be a list of strings`);
  }
  if (typeof value === 'string') return value;
  throw new Error(`${name} must be a string`);
}

const OPTIONAL_PATHS: readonly FlatField[] = ['kubeconfig', 'streamingCertFile', 'streamingKeyFile'];
const PATH_FIELDS: readonly FlatField[] = [
  ...(['root', 'state', 'certsDir', 'cniConfDir', 'cniBinDir', 'dockerRoots', 'kubeletRoots', 'cdiSpecDirs'] as const),
  ...OPTIONAL_PATHS,
];

function check(config: Config): void {
  const refuse = (what: string): never => {
    throw new CribError('INVALID_ARGUMENT', what);
  };
  if (!config.listen.startsWith('unix:///')) refuse(`listen ${config.listen} must be unix:///PATH`);
  for (const [key, field] of Object.entries(CONFIG_KEYS)) {
    if (!PATH_FIELDS.includes(field)) continue;
    const paths = [config[field]].flat().filter((value) => value !== '' || !OPTIONAL_PATHS.includes(field));
    const bad = paths.find((value) => !value.startsWith('/'));
    if (bad !== undefined) refuse(`${key} ${bad === '' ? '""' : bad} must be an absolute path`);
  }
  for (const name of ['root', 'state'] as const) {
    if (/[:,\\]/.test(config[name]))
      refuse(`${name} ${config[name]} must have no : , or \\, which overlayfs cannot take`);
    if (path.resolve(config[name]) === '/') refuse(`${name} / must be a directory of crib's own`);
  }
  if (path.resolve(config.root) === path.resolve(config.state)) refuse('root and state must be different directories');
  if (!['cgroupfs', 'systemd'].includes(config.cgroupDriver)) refuse('cgroup_driver must be cgroupfs or systemd');
  if (config.network !== 'cni' && config.network !== 'bridge') refuse('network.mode must be cni or bridge');
  parseAddress(config.streamingAddress);
  if ((config.streamingCertFile === '') !== (config.streamingKeyFile === '')) {
    refuse('streaming.tls_cert_file and streaming.tls_key_file must both be set, or neither');
  }
  if (!/^(.*:)?\d{1,5}$|^$/.test(config.metricsAddress)) refuse('metrics.address must be HOST:PORT or PORT');
  if (config.tracingEndpoint !== '' && !/^https?:$/.test(protocolOf(config.tracingEndpoint))) {
    refuse('tracing.endpoint must be a URL as http://127.0.0.1:4318');
  }
  if (!['', 'systrap', 'ptrace', 'kvm'].includes(config.gvisorPlatform)) {
    refuse('gvisor.platform must be systrap, ptrace or kvm');
  }
  if (!['debug', 'info', 'warn', 'error'].includes(config.logLevel)) {
    refuse('log_level must be debug, info, warn or error');
  }
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : '';
}
