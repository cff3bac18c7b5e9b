/**
 * Stands in for a cluster's API server, which cannot be had here: HTTPS with a certificate of its own, a bearer token, and
 * the one call that crib makes.
 */

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const TOKEN = 'a-token';

export interface ApiServer {
  /** Path of a kubeconfig for it. */
  readonly kubeconfig: string;
  /** Paths asked for, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** What it answers to GET of a path: a body with its status, or nothing for ever. */
export type Answers = (path: string) => { readonly status: number; readonly body: unknown } | 'hang';

export async function startApiServer(directory: string, answers: Answers): Promise<ApiServer> {
  const [key, certificate] = ['key.pem', 'cert.pem'].map((name) => path.join(directory, name));
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', key ?? '', '-out', certificate ?? ''];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, ...files, ...subject], { stdio: 'pipe', timeout: 30_000 });
  const asked: string[] = [];
  const tls = { key: fs.readFileSync(key ?? ''), cert: fs.readFileSync(certificate ?? '') };
  const server = https.createServer(tls, (request, response) => {
    asked.push(request.url ?? '');
    const isKnown = request.headers.authorization === `Bearer ${TOKEN}`;
    const answer = isKnown ? answers(request.url ?? '') : { status: 401, body: status(401, 'Unauthorized') };
    if (answer === 'hang') return;
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const kubeconfig = path.join(directory, 'kubeconfig');
  fs.writeFileSync(kubeconfig, JSON.stringify(kubeconfigFor(port, tls.cert)));
  return {
    kubeconfig,
    asked,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** As the API answers instead of an object (apimachinery, metav1.Status). */
export function status(code: number, message: string): unknown {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code };
}

function kubeconfigFor(port: number, certificate: Buffer): unknown {
  const data = certificate.toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': data } }],
    users: [{ name: 'u', user: { token: TOKEN } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
}
