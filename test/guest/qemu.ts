/** The virtual machine: started, watched by its console, ended by its process id. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { ConsoleReader } from './console.js';
import type { GuestImage } from './image.js';
import type { Accelerator } from './options.js';

export interface MachineSetup {
  readonly image: GuestImage;
  /** Disk images: the repository with what it needs, and one that takes the results. */
  readonly cargo: string;
  readonly results: string;
  readonly accelerator: Accelerator;
  readonly processors: number;
  readonly memoryMib: number;
  /** Gets all that is said on the console, by QEMU too. */
  readonly consoleLog: string;
  /** Called with each line that the guest says to the host. */
  readonly tell: (line: string) => void;
}

export interface Machine {
  /** When QEMU has ended; with its exit code or signal. */
  readonly ended: Promise<number | string>;
  /** Kills it where it runs, and waits for the end. */
  stop(): Promise<void>;
}

const PROGRAM = 'qemu-system-x86_64';

/** `snapshot=on`: what is written goes into a file without a name and is gone with QEMU. */
function disk(id: string, file: string, more: string): string[] {
  const drive = `file=${file.replaceAll(',', ',,')},format=raw,if=none,id=${id},cache=unsafe,discard=unmap${more}`;
  return ['-drive', drive, '-device', `virtio-blk-pci,drive=${id}`];
}

/** No network at all. TCG: a large translation cache, for Node makes code all the time. */
function argumentsOf({ image, cargo, results, accelerator, processors, memoryMib }: MachineSetup): string[] {
  const [accel, cpu] =
    accelerator === 'kvm' ? ['kvm', 'host'] : ['tcg,thread=multi,tb-size=1024', 'Nehalem-v1,+rdrand,+fsgsbase'];
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-nic', 'none'],
    ...['-machine', 'q35', '-accel', accel, '-cpu', cpu, '-smp', String(processors), '-m', String(memoryMib)],
    ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', COMMAND_LINE],
    ...disk('root', image.disk, ',snapshot=on'),
    ...disk('cargo', cargo, ''),
    ...disk('results', results, ''),
    ...['-device', 'virtio-rng-pci'],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
  ];
}

/** Mitigations cost most under TCG. Without a shell on the console, which the run's lines have for themselves. */
const COMMAND_LINE = [
  ...['root=/dev/vda', 'rootfstype=ext4', 'rw', 'console=ttyS0', 'quiet', 'loglevel=3', 'panic=-1'],
  ...['mitigations=off', 'nokaslr', 'nowatchdog', 'audit=0', 'net.ifnames=0'],
  ...['systemd.getty_auto=no', 'systemd.show_status=no', 'systemd.journald.forward_to_console=no'],
].join(' ');

export function startMachine(setup: MachineSetup): Machine {
  // The lowest priority but one: the run is long and nobody waits for it.
  const child = spawn('nice', ['-n', '10', PROGRAM, ...argumentsOf(setup)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(setup.consoleLog);
  const reader = new ConsoleReader(setup.tell);
  const keep = (stream: Readable) => stream.setEncoding('utf8').on('data', (chunk: string) => log.write(chunk));
  keep(child.stderr);
  keep(child.stdout).on('data', (chunk: string) => reader.add(chunk));
  const ended = new Promise<number | string>((resolve, reject) => {
    child.on('error', (cause) => reject(new Error(`cannot run ${PROGRAM}: ${cause.message}`, { cause })));
    child.on('close', (code, signal) => log.end(() => resolve(signal ?? code ?? -1)));
  });
  ended.catch(() => {});
  return { ended, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await ended;
}
