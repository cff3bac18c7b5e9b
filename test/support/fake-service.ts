/** The real server and the real client over pods and images of a test: what a call makes of a request and of an answer. */

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { type CriClient, connect } from '../../cri/client.js';
import { startServer } from '../../cri/server.js';
import { createServices } from '../../cri/services/services.js';
import type { ImageStore } from '../../runtime/images/types.js';
import { containerView } from '../../sandbox/container-record.js';
import { podView } from '../../sandbox/pod-record.js';
import type { ContainerView, PodRuntime, PodView } from '../../sandbox/types.js';
import { recordingLog } from './log.js';
import { containerRecord, podRecord } from './records.js';

/** What the node was asked, in order: the name of the call, then its arguments. */
export type Asked = readonly unknown[];

export interface FakeService {
  readonly client: CriClient;
  /** What `crib --connect` takes. */
  readonly address: string;
  readonly asked: Asked[];
}

type Answers = Readonly<Record<string, unknown>>;

/** A call that is not among `pods` or `images` answers nothing. Everything is closed when the file's tests are over. */
export async function startFakeService(pods: Answers = {}, images: Answers = {}): Promise<FakeService> {
  const directory = await fs.mkdtemp(path.join(os.tmpdir(), 'crib-service-'));
  const listen = `unix://${path.join(directory, 'crib.sock')}`;
  const asked: Asked[] = [];
  const streaming = {
    urlFor: (session: object) => {
      asked.push(['urlFor', session]);
      return 'http://127.0.0.1/token';
    },
  };
  const services = createServices({
    pods: noting(pods, asked) as unknown as PodRuntime,
    images: noting({ find: () => undefined, ...images }, asked) as unknown as ImageStore,
    streaming,
    version: 'test',
  });
  const server = await startServer({ listen, services, log: recordingLog().log });
  const client = connect(listen);
  after(async () => {
    client.close();
    await server.close(100);
    await fs.rm(directory, { recursive: true });
  });
  return { client, address: listen, asked };
}

/** Signals of calls are left out of what is noted. */
function noting(answers: Answers, asked: Asked[]): object {
  return new Proxy(answers, {
    get: (_, name: string) => {
      const answer = answers[name];
      if (name in answers && typeof answer !== 'function') return answer;
      return (...args: unknown[]) => {
        asked.push([name, ...args.filter((arg) => !(arg instanceof AbortSignal))]);
        return typeof answer === 'function' ? answer(...args) : Promise.resolve(undefined);
      };
    },
  });
}

export function viewOfPod(change: Partial<PodView> = {}): PodView {
  return { ...podView(podRecord('pod')), ...change };
}

export function viewOfContainer(id = 'c', change: Partial<ContainerView> = {}): ContainerView {
  return { ...containerView(containerRecord(id, 'pod')), ...change };
}

export function refused(message: RegExp) {
  return { code: 'INVALID_ARGUMENT', message };
}
