/**
 * `npm run demo`: crib from nothing to a running pod and back to nothing, for someone who sees it for the first time.
 *   npm run demo [-- --handler NAME]
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { table } from '../../cri/cli/output.js';
import { volumesOf } from '../../cri/cli/verbose-info.js';
import type { VolumeDecision } from '../../volumes/types.js';
import { command } from '../support/command.js';
import { type Inventory, takeInventory, whatIsLeft } from './leftovers.js';
import { CHECKOUT, CRIB, type Stage, StageHands } from './stage.js';

const PAGE_TIMEOUT_MS = 20_000;
const CONTAINERS = ['web', 'clock'];
const END_TIMEOUT_MS = 20_000;

const COLOUR = process.stdout.isTTY
  ? { bold: '\x1b[1m', dim: '\x1b[2m', off: '\x1b[0m' }
  : { bold: '', dim: '', off: '' };

function heading(text: string): void {
  process.stdout.write(`\n${COLOUR.bold}== ${text}${COLOUR.off}\n`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

class Demo {
  readonly #hands = new StageHands();
  readonly #handler: string | undefined;
  #podCommand: ChildProcess | undefined;
  #stage: Stage | undefined;
  #struck = false;

  constructor(handler: string | undefined) {
    this.#handler = handler;
  }

  async play(): Promise<void> {
    heading('A registry on loopback, and in it an image made of Debian packages');
    const stage = await this.#hands.setUp();
    this.#stage = stage;
    say(`${stage.image}, in ${stage.directory}`);

    heading('The daemon: crib serve, with a configuration of its own');
    say(indent((await fs.readFile(stage.configFile, 'utf8')).trim()));
    await this.#hands.startDaemon();
    const before = await takeInventory(stage, []);

    heading('A pod from a manifest, without a kubelet: crib run manifests/pods/demo.yaml');
    const where = await this.#playPod(stage, this.#handler, before, (page) => this.#show(stage, page));
    if (this.#handler === undefined || this.#handler === 'host') return;

    heading(`The same pod once more, on the handler host; then where each volume lived in both`);
    const onHost = await this.#playPod(stage, 'host', before, async () => undefined);
    say(`\n${inBoth(onHost, this.#handler, where)}`);
  }

  /** From its start to the proof that nothing of it is left; returns where its volumes were. */
  async #playPod(
    stage: Stage,
    handler: string | undefined,
    before: Inventory,
    show: (page: string) => Promise<void>,
  ): Promise<ContainerVolumes> {
    await this.#startPod(stage, handler);
    await show(await fetchPage(stage.hostPort, '/', 'Hello'));
    const volumes = await this.#volumes();
    const podIds = await this.#podIds();
    heading('Ctrl-C: the pod stops, and everything of it goes');
    await this.#stopPod();
    await this.#verify(stage, podIds, before);
    return volumes;
  }

  /** Whatever happened, nothing stays. Idempotent. */
  async strike(): Promise<void> {
    if (this.#struck) return;
    this.#struck = true;
    if (this.#podCommand?.exitCode === null) await this.#stopPod().catch(() => undefined);
    if (this.#stage !== undefined) await this.#removePods().catch(() => undefined);
    await this.#hands.strike();
  }

  daemonLog(): Promise<string> {
    return this.#hands.daemonLog();
  }

  async #startPod(stage: Stage, name: string | undefined): Promise<void> {
    const text = await fs.readFile(path.join(CHECKOUT, 'manifests/pods/demo.yaml'), 'utf8');
    const manifest = path.join(stage.directory, 'demo.yaml');
    await fs.writeFile(manifest, text.replaceAll('DEMO_IMAGE', stage.image).replace('18080', String(stage.hostPort)));
    const handler = name === undefined ? [] : ['--handler', name];
    const child = spawn(CRIB, ['run', '--config', stage.configFile, ...handler, manifest], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) =>
        process.stdout.write(`${COLOUR.dim}${indent(chunk.trimEnd())}${COLOUR.off}\n`),
      );
    }
    this.#podCommand = child;
    child.once('exit', (code) => {
      if (code !== 130) this.#failEarly(new Error(`crib run ended with ${code}`));
    });
  }

  #failEarly: (error: Error) => void = () => undefined;

  /** Rejects as soon as `crib run` ends by itself. */
  orPodEnds<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, new Promise<never>((_, reject) => (this.#failEarly = reject))]);
  }

  async #show(stage: Stage, page: string): Promise<void> {
    heading(`The page, through the host's port: http://127.0.0.1:${stage.hostPort}/`);
    say(page.trim());
    for (const words of [['pods'], ['ps'], ['images'], ['stats']]) await this.#crib(words);
    heading('Where each volume went, and why');
    for (const container of CONTAINERS) await this.#crib(['inspect', container]);
    heading('Two containers, one pod: clock writes, web reads and serves');
    await this.#crib(['exec', 'web', 'cat', '/scratch/now']);
    await this.#crib(['exec', 'clock', 'wget', '-qO-', 'http://127.0.0.1:8080/time.txt']);
    say(`from the host: ${(await fetchPage(stage.hostPort, '/time.txt', ':')).trim()}`);
    await this.#crib(['logs', '--tail', '2', 'web']);
    await this.#showHostSide();
  }

  async #stopPod(): Promise<void> {
    const child = this.#podCommand;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGINT'), END_TIMEOUT_MS);
    const [code] = await ended;
    clearTimeout(timer);
    if (code !== 130) throw new Error(`crib run ended with ${code}, not with 130 for Ctrl-C`);
  }

  /** A kubelet measures these directories. */
  async #showHostSide(): Promise<void> {
    heading('What the host has of the volumes');
    const directories = new Set([...(await this.#volumes()).values()].map(({ hostPath }) => hostPath));
    for (const directory of directories) {
      if (directory === '') continue;
      say(`\n$ ls -As ${directory}`);
      say(indent((await command('ls', ['-As', directory])).toString().trimEnd()));
    }
  }

  async #volumes(): Promise<ContainerVolumes> {
    const all = new Map<string, VolumeDecision>();
    for (const container of CONTAINERS) {
      const inspected: unknown = JSON.parse(await this.#output(['inspect', '--json', container]));
      const info: Record<string, unknown> = { ...Object(Reflect.get(Object(inspected), 'info')) };
      for (const volume of volumesOf(info)) all.set(`${container} ${volume.containerPath}`, volume);
    }
    return all;
  }

  async #podIds(): Promise<string[]> {
    const pods: unknown = JSON.parse(await this.#output(['pods', '--json']));
    if (!Array.isArray(pods)) throw new Error('crib pods --json printed no list');
    return pods.map((pod: unknown) => String(Reflect.get(Object(pod), 'id')));
  }

  /** For a run that failed half way. */
  async #removePods(): Promise<void> {
    for (const id of await this.#podIds()) await this.#output(['rm', '-f', id]);
  }

  async #verify(stage: Stage, podIds: readonly string[], before: Inventory): Promise<void> {
    const left = whatIsLeft(before, await takeInventory(stage, podIds));
    for (const kind of Object.keys(before)) {
      const entries = left.get(kind);
      say(`  ${entries === undefined ? 'none left' : `LEFT: ${entries.join(', ')}`}: ${kind}`);
    }
    if (left.size > 0) throw new Error('the pod left something behind');
  }

  async #crib(words: readonly string[]): Promise<void> {
    say(`\n$ crib ${words.join(' ')}`);
    say(indent((await this.#output(words)).trimEnd()));
  }

  async #output(words: readonly string[]): Promise<string> {
    const [command = '', ...rest] = words;
    const config = ['--config', this.#stage?.configFile ?? ''];
    const child = spawn(CRIB, [command, ...config, ...rest], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        text += chunk;
      });
    }
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`crib ${words.join(' ')} ended with ${code}: ${text}`);
    return text;
  }
}

/** By container and path in it. */
type ContainerVolumes = ReadonlyMap<string, VolumeDecision>;

function inBoth(onHost: ContainerVolumes, handler: string, there: ContainerVolumes): string {
  const live = (volume: VolumeDecision | undefined) =>
    volume === undefined ? '' : `${volume.route}, ${volume.driver ?? ''}`;
  const rows = [...there].map(([place, volume]) => [place, volume.kind, live(onHost.get(place)), live(volume)]);
  return table(['VOLUME', 'KIND', 'ON THE HOST', `IN ${handler.toUpperCase()}`], rows);
}

/** Asks until the page is there and holds `wanted`. */
async function fetchPage(port: number, file: string, wanted: string): Promise<string> {
  const deadline = Date.now() + PAGE_TIMEOUT_MS;
  let failure = '';
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}${file}`, { signal: AbortSignal.timeout(2_000) });
      const text = await response.text();
      if (response.ok && text.includes(wanted)) return text;
      failure = `${response.status} ${text}`;
    } catch (error) {
      failure = String(error);
    }
    await sleep(100);
  }
  throw new Error(`http://127.0.0.1:${port}${file} did not answer: ${failure}`);
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { handler: { type: 'string' } } });
  const demo = new Demo(values.handler);
  const began = Date.now();
  let code = 1;
  const onSignal = () => void demo.strike().finally(() => process.exit(130));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    await demo.orPodEnds(demo.play());
    code = 0;
  } catch (error) {
    say(`\ndemo: ${error instanceof Error ? error.message : String(error)}`);
    const log = await demo.daemonLog();
    if (log !== '') say(`the end of the daemon's log:\n${indent(log)}`);
  }
  heading('Cleaning up: daemon, keeper, bridge, registry, directories');
  await demo.strike();
  if (code === 0) say(`All of it worked, in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
  return code;
}

process.exitCode = await main();
