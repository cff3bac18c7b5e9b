/**
 * A socket in front of the daemon's, as a service manager may keep one: who comes while nothing listens waits. Without it
 * critest's specs, each of which gives up at its first call that is refused, would pass by while the daemon starts.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 10;

export class WaitingRoom {
  readonly #server: Server;
  readonly #visitors = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens at `socket` and leads on to `daemon`, both paths. What dies there is cut off here. */
  static async open(socket: string, daemon: string): Promise<WaitingRoom> {
    const server = createServer();
    const room = new WaitingRoom(server);
    server.on('connection', (visitor) => void room.#leadOn(visitor, daemon));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, resolve);
    });
    return room;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const visitor of this.#visitors) visitor.destroy();
    await closed;
  }

  async #leadOn(visitor: Socket, daemon: string): Promise<void> {
    this.#visitors.add(visitor);
    visitor.on('error', () => visitor.destroy());
    visitor.once('close', () => this.#visitors.delete(visitor));
    while (!visitor.destroyed) {
      const behind = await reached(daemon);
      if (behind !== undefined) {
        behind.on('error', () => behind.destroy());
        behind.once('close', () => visitor.destroy());
        visitor.once('close', () => behind.destroy());
        visitor.pipe(behind).pipe(visitor);
        return;
      }
      await sleep(RETRY_MS);
    }
  }
}

/** undefined: nobody listens. */
function reached(socket: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => resolve(connection));
    connection.once('error', () => resolve(undefined));
  });
}
