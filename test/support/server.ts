/** A test node with its gRPC server and a client: what a kubelet talks to. */

import path from 'node:path';
import type { CallObserver } from '../../cri/call.js';
import { type CriClient, connect } from '../../cri/client.js';
import { type RunningServer, startServer } from '../../cri/server.js';
import { createServices } from '../../cri/services/services.js';
import { startStreamingServer } from '../../cri/streaming/server.js';
import { type LogLine, recordingLog } from './log.js';
import { startTestNode, type TestNode } from './node.js';

export interface ServedNode {
  readonly node: TestNode;
  readonly client: CriClient;
  /** What the servers have logged. */
  readonly lines: readonly LogLine[];
  /** As a restart of cribd: the server goes first, `meanwhile` runs while nothing serves. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** `subnet` and `bridge` must be of no other test. */
export async function startServedNode(
  subnet: string,
  bridge: string,
  observe: (node: TestNode) => Promise<readonly CallObserver[]> = async () => [],
): Promise<ServedNode> {
  const node = await startTestNode(subnet, bridge);
  const observers = await observe(node);
  const listen = `unix://${path.join(node.directory, 'crib.sock')}`;
  const { log, lines } = recordingLog();
  const serve = async (): Promise<RunningServer> => {
    const { pods, images } = node.node();
    const address = '127.0.0.1:0';
    const streaming = await startStreamingServer({ address, tls: undefined, sessions: pods.sessions, log });
    const services = createServices({ pods, images, streaming, version: 'test' });
    const server = await startServer({ listen, services, log, observers });
    return {
      close: async (graceMs) => {
        await server.close(graceMs);
        await streaming.close();
      },
    };
  };
  let server = await serve();
  const client = connect(listen);
  return {
    node,
    client,
    lines,
    restart: async (meanwhile = async () => {}) => {
      await server.close();
      await node.restart(meanwhile);
      server = await serve();
    },
    stop: async () => {
      client.close();
      await server.close();
      await node.stop();
    },
  };
}

/** Requests for a pod and for a container of it, as a kubelet fills them in. */
export function podRequest(name: string, uid = `uid-${name}`, attempt = 0) {
  return {
    config: {
      metadata: { name, uid, namespace: 'test', attempt },
      labels: { app: name },
      annotations: { note: name },
      linux: { securityContext: { namespaceOptions: { pid: 1 } } },
    },
  };
}

export function containerRequest(podSandboxId: string, name: string, image: string, script: string) {
  return {
    podSandboxId,
    config: {
      metadata: { name, attempt: 0 },
      image: { image },
      command: ['sh', '-c', script],
      labels: { part: name },
      annotations: { note: name },
      linux: { securityContext: { namespaceOptions: { pid: 1 } } },
    },
  };
}
