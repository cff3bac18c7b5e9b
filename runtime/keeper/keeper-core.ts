/** The keeper's containers and what can be asked of them, apart from the socket that it is asked over. */

import { CribError } from '../errors.js';
import { descriptorRoom } from '../linux/descriptor-room.js';
import type { Log } from '../log.js';
import { adoptAll } from './adopt.js';
import type { Attachment } from './attachment.js';
import { type Children, childEnd } from './children.js';
import type { Container, ContainerServices } from './container.js';
import { createContainer } from './create.js';
import { DESCRIPTOR_NAMES, type Descriptors, type HandedContainer } from './handover.js';
import { type Given, Holders } from './holders.js';
import { closeOpened, type OpenedPipes, openPassed, type PassedPipes } from './passed-pipe.js';
import type { KeptContainer, KeptContainerSpec } from './protocol.js';
import { Intents } from './record.js';

const STDERR_TAIL = 4096;
/** What a create has open at most; a third of it stays. */
const CREATE_DESCRIPTORS = 12;
const RUN_DESCRIPTORS = 6;
const ATTACH_DESCRIPTORS = 3;

export class KeeperCore {
  readonly children: Children;
  readonly holders = new Holders();
  readonly #containers = new Map<string, Container>();
  readonly #creating = new Map<string, Promise<Container>>();
  readonly #services: ContainerServices;
  #frozen = false;

  constructor(state: string, children: Children, log: Log, onExit: (container: KeptContainer) => void) {
    this.children = children;
    this.#services = { intents: new Intents(state), holders: this.holders, log, onExit };
  }

  /** Takes over what an earlier keeper left, and what of it was handed over. */
  async load(handed: readonly HandedContainer[]): Promise<void> {
    for (const container of await adoptAll(this.children, this.#services, handed)) {
      this.#containers.set(container.record.id, container);
      this.holders.give(container.record.id, () => container.descriptors);
    }
    for (const { id, descriptors } of handed) this.#dropStale(id, descriptors);
  }

  /** Who holds what was handed over may hold what nobody wants any more: the keeper has died before it said so. */
  #dropStale(id: string, handed: Descriptors): void {
    const open = this.#containers.get(id)?.descriptors ?? {};
    const stale = DESCRIPTOR_NAMES.filter((name) => handed[name] !== undefined && open[name] === undefined);
    if (stale.length > 0) this.holders.drop(id, stale);
  }

  async create(spec: KeptContainerSpec): Promise<KeptContainer> {
    if (this.#containers.has(spec.id) || this.#creating.has(spec.id)) {
      throw new CribError('ALREADY_EXISTS', `creating container ${spec.id}: it exists; forget it first`);
    }
    const opened = descriptorRoom.take(CREATE_DESCRIPTORS, `creating container ${spec.id}`);
    const creation = createContainer(spec, this.children, this.#services);
    this.#creating.set(spec.id, creation);
    try {
      const container = await creation;
      this.#containers.set(spec.id, container);
      if (this.#frozen) container.freeze();
      this.holders.give(spec.id, () => container.descriptors);
      return container.record;
    } finally {
      opened();
      this.#creating.delete(spec.id);
    }
  }

  get(id: string): Container {
    const container = this.#containers.get(id);
    if (container === undefined) throw new CribError('NOT_FOUND', `the keeper has no container ${id}`);
    return container;
  }

  /** Opens pipes of a client's. */
  openPipes(pipes: PassedPipes): OpenedPipes {
    const done = descriptorRoom.take(ATTACH_DESCRIPTORS, 'opening the pipes of a client');
    try {
      const opened = openPassed(pipes);
      for (const fd of Object.values(opened)) this.children.saw(fd);
      return opened;
    } finally {
      done();
    }
  }

  /** Connects opened pipes to a container, and owns them; see Container.attach. */
  attach(id: string, opened: OpenedPipes): Attachment {
    try {
      return this.get(id).attach(opened);
    } catch (error) {
      closeOpened(opened);
      throw error;
    }
  }

  async forget(id: string): Promise<void> {
    if (this.#creating.has(id)) {
      throw new CribError('FAILED_PRECONDITION', `forgetting container ${id}: it is being created`);
    }
    const container = this.#containers.get(id);
    // Of one whose creating failed and could not be undone the intent may be left.
    if (container === undefined) await this.#services.intents.remove(id);
    else await container.forget();
    this.#containers.delete(id);
  }

  list(): KeptContainer[] {
    return [...this.#containers.values()].map((container) => container.record);
  }

  /** Resolves when every create that is in progress now has ended, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#creating.values());
  }

  /** Of all of them: what others may hold. */
  get descriptors(): Given[] {
    return [...this.#containers].map(([id, container]) => ({ id, descriptors: () => container.descriptors }));
  }

  /** Stops what goes on by itself until `thaw`; see Container.freeze. */
  freeze(): void {
    this.#frozen = true;
    for (const container of this.#containers.values()) container.freeze();
  }

  thaw(): void {
    this.#frozen = false;
    for (const container of this.#containers.values()) container.thaw();
  }

  /** Nothing of any container is in motion. */
  get isStill(): boolean {
    return this.#creating.size === 0 && [...this.#containers.values()].every((container) => container.isStill);
  }

  /** What the next program of this process needs of them, when they are still. */
  get memory(): HandedContainer[] {
    const running = [...this.#containers.values()].filter(({ record }) => record.exit === undefined);
    return running.map(({ record, descriptors, memory }) => ({ id: record.id, descriptors, memory }));
  }

  /** Nothing is kept, and nothing is being created. */
  get isIdle(): boolean {
    return this.#containers.size + this.#creating.size === 0;
  }

  async run(argv: readonly string[], env: Readonly<Record<string, string>>, timeoutMs: number): Promise<void> {
    descriptorRoom.take(RUN_DESCRIPTORS, `starting ${argv[0]}`)();
    const child = this.children.spawn(argv, env, ['ignore', 'ignore', 'pipe']);
    let tail = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-STDERR_TAIL);
    });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    try {
      const { exitCode, timedOut } = await childEnd(child, timeoutMs);
      if (exitCode === 0) return;
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 100))]);
      if (timedOut) throw new CribError('DEADLINE_EXCEEDED', `${argv.join(' ')}: killed after ${timeoutMs} ms`);
      throw new CribError('INTERNAL', `${argv.join(' ')}: exit code ${exitCode}: ${tail.trim()}`);
    } catch (error) {
      if (error instanceof CribError) throw error;
      throw new CribError('INTERNAL', `starting ${argv[0]}: ${String(error)}`, { cause: error });
    } finally {
      child.stderr?.destroy();
    }
  }
}
