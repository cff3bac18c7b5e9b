import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { until } from '../../support/until.js';
import { bindDatagrams } from './datagrams.js';
import { KEEPER_PATH } from './harness.js';

/** Starts keepers as systemd does a unit with a descriptor store. */
export class Unit {
  readonly state: string;
  readonly stored = new Map<string, number>();
  ready = 0;
  readonly #name: string;
  readonly #manager: ReturnType<typeof bindDatagrams>;
  #keeper: ChildProcess | undefined;

  constructor(state: string) {
    this.state = state;
    this.#name = `crib-unit-${process.pid}`;
    this.#manager = bindDatagrams(this.#name);
  }

  async start(): Promise<void> {
    const ready = this.ready;
    const passed = [...this.stored];
    const script = 'export LISTEN_PID=$$; exec "$@"';
    const argv = ['-c', script, 'sh', process.execPath, KEEPER_PATH, '--state', this.state];
    this.#keeper = spawn('sh', argv, {
      stdio: ['ignore', 'ignore', 'inherit', ...passed.map(([, fd]) => fd)],
      env: {
        PATH: process.env.PATH,
        NOTIFY_SOCKET: `@${this.#name}`,
        LISTEN_FDS: String(passed.length),
        LISTEN_FDNAMES: passed.map(([name]) => name).join(':'),
      },
    });
    await until(() => {
      this.take();
      return this.ready > ready;
    }, 'the keeper is ready');
  }

  get pid(): number | undefined {
    return this.#keeper?.pid;
  }

  async kill(): Promise<void> {
    const ended = once(this.#keeper ?? assert.fail(), 'exit');
    this.#keeper?.kill('SIGKILL');
    await ended;
    this.take();
  }

  /** Does as it is told. */
  take(): void {
    for (const { data, descriptors } of this.#manager.all()) {
      const fields = new Map(
        data
          .toString()
          .split('\n')
          .map((line) => line.split('=', 2) as [string, string]),
      );
      const name = fields.get('FDNAME') ?? '';
      if (fields.has('READY')) this.ready++;
      if (fields.has('FDSTOREREMOVE')) this.remove(name);
      for (const fd of descriptors) {
        if (this.stored.has(name)) fs.closeSync(fd);
        else this.stored.set(name, fd);
      }
    }
  }

  remove(name: string): void {
    const fd = this.stored.get(name);
    if (fd !== undefined) fs.closeSync(fd);
    this.stored.delete(name);
  }

  close(): void {
    for (const name of [...this.stored.keys()]) this.remove(name);
    this.#manager.close();
  }
}
