/** `crib port-forward`: listens on local ports and passes each connection on to a pod's loopback, until Ctrl-C. */

import { once } from 'node:events';
import net from 'node:net';
import { CribError, messageOf } from '../../../runtime/errors.js';
import { loadConfig } from '../config.js';
import { withDaemon } from '../daemon.js';
import type { Invocation } from '../invocation.js';
import { findPod } from '../lookup.js';
import { toJson } from '../output.js';
import { type ForwardSpec, hostPort, parseForward } from '../streaming/forward-spec.js';
import { FORWARD_PROTOCOL, PodTunnel } from '../streaming/pod-tunnel.js';
import { dialSpdy } from '../streaming/spdy-dial.js';

/** Connections at once and port; a session has two streams for each (port-forward-spdy.ts). */
const MAX_CONNECTIONS = 400;

export async function portForward(invocation: Invocation, name: string, ports: readonly string[]): Promise<void> {
  const specs = ports.map(parseForward);
  const { streamingCertFile } = await loadConfig(invocation.configFile, {});
  const { id: podSandboxId } = await withDaemon(invocation, (cri) => findPod(cri, name));
  const tunnel = new PodTunnel(async () => {
    const { url } = await withDaemon(invocation, (cri) => cri.runtime.portForward({ podSandboxId, port: [] }));
    return dialSpdy(url, FORWARD_PROTOCOL, streamingCertFile);
  });
  const servers: net.Server[] = [];
  try {
    // What cannot be forwarded at all is said before anything listens.
    await tunnel.connect();
    for (const spec of specs) servers.push(await listen(spec, tunnel));
    for (const [index, spec] of specs.entries()) announce(invocation, spec, servers[index], name);
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  } finally {
    for (const server of servers) server.close();
    await tunnel.close();
  }
  // Connections that a program holds open do not keep crib from ending.
  process.exit(0);
}

async function listen({ address, local, remote }: ForwardSpec, tunnel: PodTunnel): Promise<net.Server> {
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const { remoteAddress = '', remotePort = 0 } = socket;
    tunnel.forward(socket, remote).catch((error: unknown) => {
      process.stderr.write(`crib: connection from ${hostPort(remoteAddress, remotePort)}: ${messageOf(error)}\n`);
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen({ host: address, port: local });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CribError('FAILED_PRECONDITION', `listening on ${hostPort(address, local)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  server.on('error', (error) => process.stderr.write(`crib: ${hostPort(address, local)}: ${error.message}\n`));
  return server;
}

function announce(
  invocation: Invocation,
  { address, remote }: ForwardSpec,
  server: net.Server | undefined,
  pod: string,
): void {
  const bound = server?.address();
  const local = typeof bound === 'object' ? bound?.port : undefined;
  if (local === undefined) return;
  const line = invocation.json
    ? toJson({ address, local, remote }, 0)
    : `${hostPort(address, local)} -> ${pod}:${remote}`;
  process.stdout.write(`${line}\n`);
}
