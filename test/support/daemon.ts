/** The real daemon on the directories of a test node that let go of them, to be killed and started again. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type CriClient, connect } from '../../cri/client.js';
import type { TestNode } from './node.js';

const MAIN = path.resolve(import.meta.dirname, '../../bundle/cribd.js');

export interface Daemon {
  readonly client: CriClient;
  /** SIGKILL, and the end of it. */
  kill(): Promise<void>;
}

/** Starts cribd and waits until it answers. `node` is closed already; `bridge` and `subnet` are those it was started with. */
export async function startDaemon(node: TestNode, bridge: string, subnet: string): Promise<Daemon> {
  const listen = `unix://${path.join(node.directory, 'crib.sock')}`;
  const config = path.join(node.directory, 'config.toml');
  const text = `[network]\nmode = "bridge"\n[network.bridge]\nname = "${bridge}"\nsubnets = ["${subnet}"]\n`;
  await fs.writeFile(config, text);
  const args = ['serve', '--config', config, '--listen', listen, '--root', node.root, '--state', node.state];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore' });
  const client = connect(listen);
  await untilItAnswers(client);
  return { client, kill: () => kill(child, client) };
}

async function untilItAnswers(client: CriClient): Promise<void> {
  for (let wait = 0; wait < 200; wait += 1) {
    const answered = await client.runtime.version({}, { timeoutMs: 1000 }).catch(() => undefined);
    if (answered !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the daemon does not answer');
}

async function kill(child: ChildProcess, client: CriClient): Promise<void> {
  client.close();
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
