/** `crib serve`: the daemon. Takes its directories' locks, settles what a crash left, then answers. */

import pino from 'pino';
import { messageOf } from '../../runtime/errors.js';
import { armFailpoints } from '../../runtime/failpoints.js';
import { lockInstance } from '../../runtime/instance-lock.js';
import { IdleRelease } from '../../runtime/linux/memory.js';
import { onChange } from '../observe/changes.js';
import { startServer } from '../server.js';
import { createServices } from '../services/services.js';
import { startStreamingServer } from '../streaming/server.js';
import { type Config, streamingTls } from './config.js';
import { assemble } from './node-assembly.js';
import { startObserving } from './observing.js';

/** Runs until SIGTERM or SIGINT; pods go on running after it. Throws what keeps it from starting. */
export async function serve(config: Config): Promise<void> {
  const log = pino(
    { level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(2),
  );
  process.on('uncaughtException', (error) => {
    log.fatal({ error: error.stack }, 'a bug in crib: the daemon ends, pods go on; please report this');
    process.exit(70);
  });
  // The modes that files are made with are meant: containers' users read a pod's files, whatever started the daemon.
  process.umask(0o022);
  armFailpoints();
  const locks = [await lockInstance(config.root), await lockInstance(config.state)];
  const node = await assemble(config, log);
  const streaming = await startStreamingServer({
    address: config.streamingAddress,
    tls: streamingTls(config),
    sessions: node.pods.sessions,
    log,
  });
  const services = createServices({ pods: node.pods, images: node.images, streaming, version: VERSION });
  const observing = await startObserving(config, node, log, VERSION);
  const idle = new IdleRelease(IDLE_MS);
  const observers = [...observing.observers, onChange(() => idle.touch())];
  const server = await startServer({ listen: config.listen, services, log, observers });
  const { listen, root, state } = config;
  log.info({ listen, root, state, streaming: streaming.url }, 'crib serves');
  idle.touch();
  await untilSignalled();
  log.info({}, 'crib ends; pods go on running');
  node.retire();
  await server.close().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'closing the server'));
  await streaming.close();
  await node.close();
  await observing.close();
  for (const lock of locks) await lock.release();
  process.exit(0);
}

/** After this much without a change, memory that only changes need is given back. */
const IDLE_MS = 2_000;
const VERSION = '0.1.0';

function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
}
