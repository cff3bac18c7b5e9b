/** What a node has above it: etcd and a kube-apiserver. No scheduler and no controllers: pods name their node. */

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NODE_ADDRESS } from '../kubelet-config.js';
import { Program } from '../processes.js';
import { eventually } from '../wait.js';
import { type Credentials, makeCredentials } from './credentials.js';
import { Kubectl } from './kubectl.js';

/** Where pods reach it too; the box has the address. */
const ADDRESS = `${NODE_ADDRESS}:6443`;
const ETCD = 'http://127.0.0.1:2379';
const ISSUER = 'https://kubernetes.default.svc';

export interface ControlPlaneOptions {
  /** Everything lies below it. */
  readonly dir: string;
  /** Holds kube-apiserver and kubectl. */
  readonly tools: string;
  readonly logs: string;
}

export class ControlPlane {
  readonly credentials: Credentials;
  readonly kubectl: Kubectl;
  readonly #options: ControlPlaneOptions;
  readonly #programs: Program[] = [];

  private constructor(options: ControlPlaneOptions, credentials: Credentials) {
    this.#options = options;
    this.credentials = credentials;
    this.kubectl = new Kubectl(join(options.tools, 'kubectl'), credentials.kubeconfigs.admin);
  }

  /** Started, with what a cluster's controllers make in every namespace. */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const dir = join(options.dir, 'control-plane');
    await mkdir(dir, { mode: 0o700 });
    const credentials = await makeCredentials(dir, ADDRESS, [`IP:${NODE_ADDRESS}`, 'DNS:kubernetes.default.svc']);
    const plane = new ControlPlane(options, credentials);
    await plane.#startEtcd(join(dir, 'etcd'));
    await plane.#startServer();
    await plane.#makeAccount();
    return plane;
  }

  async stop(): Promise<void> {
    for (const program of this.#programs.reverse()) await program.stop();
  }

  async #startEtcd(data: string): Promise<void> {
    const urls = ['--listen-client-urls', ETCD, '--advertise-client-urls', ETCD];
    const peers = ['--listen-peer-urls', 'http://127.0.0.1:2380'];
    // Nothing of it is to outlive the run.
    await this.#start('etcd', ['--data-dir', data, ...urls, ...peers, '--unsafe-no-fsync', '--log-level', 'warn']);
  }

  async #startServer(): Promise<void> {
    const { certificate, key, tokenKey, tokenPublicKey, tokens } = this.credentials;
    const flags = {
      'etcd-servers': ETCD,
      'bind-address': NODE_ADDRESS,
      'secure-port': '6443',
      'tls-cert-file': certificate,
      'tls-private-key-file': key,
      'token-auth-file': tokens,
      'authorization-mode': 'Node,RBAC',
      'enable-admission-plugins': 'NodeRestriction',
      'service-account-issuer': ISSUER,
      'service-account-key-file': tokenPublicKey,
      'service-account-signing-key-file': tokenKey,
      'service-cluster-ip-range': '10.96.0.0/16',
      'kubelet-preferred-address-types': 'InternalIP',
      'allow-privileged': 'true',
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const server = await this.#start(join(this.#options.tools, 'kube-apiserver'), args);
    await eventually('the API server is ready', () => {
      server.check();
      return this.kubectl.succeeds('get', '--raw', '/readyz');
    });
  }

  async #start(program: string, args: readonly string[]): Promise<Program> {
    const log = join(this.#options.logs, `${program.slice(program.lastIndexOf('/') + 1)}.log`);
    const started = await Program.start(program, args, log);
    this.#programs.push(started);
    return started;
  }

  /** The service account that pods have unless they name one, and what the server's certificate is checked with. */
  async #makeAccount(): Promise<void> {
    const authority = await readFile(this.credentials.certificate, 'utf8');
    await this.kubectl.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
    await this.kubectl.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'kube-root-ca.crt' },
      data: { 'ca.crt': authority },
    });
  }
}
