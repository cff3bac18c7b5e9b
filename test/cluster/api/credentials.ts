/** Who may speak to the API server of a run, and how it proves to be itself. */

import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../support/command.js';
import { NODE_NAME } from '../kubelet-config.js';

/** Name and group of each as the API server's token file has them (kube-apiserver, --token-auth-file). */
const IDENTITIES = {
  admin: { user: 'admin', group: 'system:masters' },
  /** As a kubelet's certificate has it, for the Node authorizer and NodeRestriction; crib asks with the same. */
  kubelet: { user: `system:node:${NODE_NAME}`, group: 'system:nodes' },
} as const;

export type Identity = keyof typeof IDENTITIES;

export interface Credentials {
  /** PEM files of the server, and of the key that signs tokens of service accounts. */
  readonly certificate: string;
  readonly key: string;
  readonly tokenKey: string;
  readonly tokenPublicKey: string;
  /** The server's --token-auth-file. */
  readonly tokens: string;
  readonly kubeconfigs: Readonly<Record<Identity, string>>;
}

/** Writes all of them to `dir`, for a server at `https://ADDRESS`, which pods may ask by `names` too. */
export async function makeCredentials(dir: string, address: string, names: readonly string[]): Promise<Credentials> {
  const file = (name: string) => join(dir, name);
  const [certificate, key] = [file('server.crt'), file('server.key')];
  const [tokenKey, tokenPublicKey] = [file('accounts.key'), file('accounts.pub')];
  const ec = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const subject = ['-subj', '/CN=kube-apiserver', '-addext', `subjectAltName=${names.join(',')}`];
  const files = ['-keyout', key, '-out', certificate];
  await command('openssl', ['req', '-x509', '-newkey', ...ec, '-nodes', '-days', '2', ...files, ...subject]);
  await command('openssl', ['genpkey', '-algorithm', ...ec, '-out', tokenKey]);
  await command('openssl', ['pkey', '-in', tokenKey, '-pubout', '-out', tokenPublicKey]);
  const authority = (await readFile(certificate)).toString('base64');
  const tokens: string[] = [];
  const kubeconfigs: Partial<Record<Identity, string>> = {};
  for (const [name, { user, group }] of Object.entries(IDENTITIES) as [Identity, { user: string; group: string }][]) {
    const token = randomBytes(16).toString('hex');
    tokens.push(`${token},${user},${user},"${group}"\n`);
    const kubeconfig = file(`${name}.kubeconfig`);
    await writeFile(kubeconfig, JSON.stringify(kubeconfigOf(`https://${address}`, authority, token)), { mode: 0o600 });
    kubeconfigs[name] = kubeconfig;
  }
  await writeFile(file('tokens.csv'), tokens.join(''), { mode: 0o600 });
  return {
    ...{ certificate, key, tokenKey, tokenPublicKey },
    tokens: file('tokens.csv'),
    kubeconfigs: kubeconfigs as Record<Identity, string>,
  };
}

function kubeconfigOf(server: string, authority: string, token: string): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'context', context: { cluster: 'cluster', user: 'user' } }],
    'current-context': 'context',
  };
}
