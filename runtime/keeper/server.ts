/** The keeper's socket and those who are connected to it; with the containers, all that an upgrade has to bring along. */

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import type { Log } from '../log.js';
import { Connection } from './connection.js';
import { type ConnectionMemory, HANDOVER_VERSION, type Handover } from './handover.js';
import type { KeeperCore } from './keeper-core.js';
import type { KeeperProgram, KeptContainer } from './protocol.js';
import { descriptorOf } from './socket-descriptor.js';
import { type Upgradable, upgrade } from './upgrade.js';

export interface ServerParts {
  /** Directory of the keeper's records. */
  readonly state: string;
  /** Descriptors of the lock, and of the socket that listens. */
  readonly lock: number;
  readonly listener: number;
  readonly core: KeeperCore;
  readonly isService: boolean;
  readonly log: Log;
  onRequest(): void;
}

export class Server implements Upgradable {
  readonly #parts: ServerParts;
  readonly #build = createHash('sha256')
    .update(fs.readFileSync(process.argv[1] ?? ''))
    .digest('hex');
  readonly #connections = new Map<net.Socket, Connection>();
  #frozen = false;
  /** Exits from before anybody could be told; undefined once clients are let in. */
  #early: KeptContainer[] | undefined = [];
  #upgrading: Promise<never> | undefined;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  get state(): string {
    return this.#parts.state;
  }

  get children() {
    return this.#parts.core.children;
  }

  /** Lets clients in. `memories`: connections of the program that this process was before. */
  open(memories: readonly ConnectionMemory[]): void {
    for (const memory of memories) {
      this.#connect(new net.Socket({ fd: memory.socket, readable: true, writable: true }), memory);
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const container of early) this.exited(container);
    net.createServer((socket) => this.#connect(socket)).listen({ fd: this.#parts.listener });
  }

  exited(container: KeptContainer): void {
    this.#early?.push(container);
    for (const connection of this.#connections.values()) connection.exited(container);
  }

  freeze(): void {
    this.#frozen = true;
    for (const connection of this.#connections.values()) connection.freeze();
    this.#parts.core.freeze();
  }

  thaw(): void {
    this.#frozen = false;
    this.#parts.core.thaw();
    for (const connection of this.#connections.values()) connection.thaw();
  }

  get isStill(): boolean {
    return this.#parts.core.isStill && [...this.#connections.values()].every((connection) => connection.isStill);
  }

  handover(): Handover {
    const { core, lock, listener } = this.#parts;
    const open = [...this.#connections].filter(([socket]) => !socket.destroyed);
    const connections = open.map(([socket, connection]) => connection.memory(descriptorOf(socket)));
    return { version: HANDOVER_VERSION, containers: core.memory, keeper: { lock, listener, connections } };
  }

  #connect(socket: net.Socket, memory?: ConnectionMemory): void {
    const host = {
      core: this.#parts.core,
      build: this.#build,
      isService: this.#parts.isService,
      shutdown: () => process.exit(0),
      upgrade: (program: KeeperProgram) => this.#upgrade(program),
    };
    const connection = new Connection(socket, host, memory);
    this.#connections.set(socket, connection);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('data', () => this.#parts.onRequest());
    if (this.#frozen) connection.freeze();
  }

  /** One at a time: who asks meanwhile gets the answer of the one in progress. */
  #upgrade(program: KeeperProgram): Promise<never> {
    this.#upgrading ??= upgrade(this, program).finally(() => {
      this.#upgrading = undefined;
    });
    return this.#upgrading;
  }
}
