/** The commands of `crib` with their flags. Each action loads its own module, so that no command pays for another. */

import { Command, InvalidArgumentError } from 'commander';
import type { AttachOptions } from './commands/attach.js';
import type { ExecOptions } from './commands/exec.js';
import type { VolumeHashOptions } from './commands/volume-hash.js';
import type { Config } from './config.js';
import type { Invocation } from './invocation.js';

/** The flags of `crib serve` that set something of the configuration. `docs/configuration.md` lists them; a test compares. */
export const SERVE_FLAGS: readonly (readonly [flag: string, field: keyof Config, help: string])[] = [
  ['--listen <address>', 'listen', 'unix:///PATH of the CRI socket'],
  ['--root <directory>', 'root', 'images and durable state'],
  ['--state <directory>', 'state', 'what a reboot may drop'],
  ['--certs-dir <directory>', 'certsDir', 'registry hosts: HOST/hosts.toml'],
  ['--cni-conf-dir <directory>', 'cniConfDir', 'CNI network configuration'],
  ['--cni-bin-dir <directories>', 'cniBinDir', 'CNI plugins; several with ":" between them'],
  ['--oci-runtime <name>', 'ociRuntime', 'name or path of the OCI runtime to prefer'],
  ['--default-handler <name>', 'defaultHandler', 'runtime handler of pods that name none'],
  ['--streaming-address <host:port>', 'streamingAddress', 'where exec, attach and port-forward are served'],
  ['--kubeconfig <file>', 'kubeconfig', "credentials for the cluster's API, asked for what volumes are declared as"],
  ['--log-level <level>', 'logLevel', 'debug, info, warn or error'],
];

/** A fresh program: commander keeps what it parsed. */
export function buildProgram(): Command {
  const program = new Command('crib')
    .description('A Kubernetes container runtime: serves CRI v1, and runs pods without a cluster.')
    .version('0.1.0', '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(usageError(text)) });
  addCommon(program);
  addDaemonCommands(program);
  addPodCommands(program);
  addVolumeCommands(program);
  addContainerCommands(program);
  addStreamingCommands(program);
  addImageCommands(program);
  for (const command of program.commands.flatMap((top) => [top, ...top.commands])) addCommon(command);
  return program;
}

/** On the program and on each command, so that they may stand before the command's name and behind it. */
function addCommon(command: Command): void {
  command
    .option('--connect <address>', 'CRI socket of the daemon (default: `listen` of the configuration)')
    .option('--config <file>', 'configuration file (default: /etc/crib/config.toml)')
    .option('--json', 'print JSON');
}

function addDaemonCommands(program: Command): void {
  const serve = program.command('serve').description('run the daemon that a kubelet, crictl or this command talks to');
  for (const [flag, , help] of SERVE_FLAGS) serve.option(flag, help);
  serve.action(async (_options: unknown, command: Command) => {
    const [{ loadConfig }, { serve: run }] = await Promise.all([import('./config.js'), import('./serve.js')]);
    await run(await loadConfig(invocationOf(command).configFile, serveFlags(command.opts())));
  });
  program
    .command('config')
    .description('print the effective configuration as TOML')
    .action(async (_options: unknown, command: Command) =>
      (await import('./commands/config.js')).config(invocationOf(command)),
    );
  program
    .command('doctor')
    .description('what this host has and lacks for each backend, and how to mend it; needs no daemon')
    .action(async (_options: unknown, command: Command) =>
      (await import('./commands/doctor.js')).doctor(invocationOf(command)),
    );
}

function addPodCommands(program: Command): void {
  program
    .command('run <pod.yaml>')
    .description('run a Pod manifest without a kubelet, follow its logs, and clean up ("-": standard input)')
    .option('-d, --detach', 'leave the pod running and print its id')
    .option('--handler <name>', "runtime handler (default: the manifest's runtimeClassName)")
    .action(async (file: string, options: { detach?: boolean; handler?: string }, command: Command) =>
      (await import('./commands/run.js')).run(invocationOf(command), file, options),
    );
  program
    .command('pods')
    .description('list pods')
    .action(async (_options: unknown, command: Command) =>
      (await import('./commands/pods.js')).pods(invocationOf(command)),
    );
  program
    .command('stop <id...>')
    .description('stop containers and pods')
    .option('-t, --timeout <seconds>', 'how long containers may take before they are killed', wholeNumber, 10)
    .action(async (ids: string[], options: { timeout: number }, command: Command) =>
      (await import('./commands/stop.js')).stop(invocationOf(command), ids, options),
    );
  program
    .command('rm <id...>')
    .description('remove containers and pods')
    .option('-f, --force', 'also those that run')
    .action(async (ids: string[], options: { force?: boolean }, command: Command) =>
      (await import('./commands/rm.js')).rm(invocationOf(command), ids, options),
    );
  program
    .command('inspect <id>')
    .description('show a pod, a container or an image, and where each volume went')
    .action(async (id: string, _options: unknown, command: Command) =>
      (await import('./commands/inspect.js')).inspect(invocationOf(command), id),
    );
}

function addVolumeCommands(program: Command): void {
  program
    .command('volumes [pod]')
    .description('list volumes: where each went and why, how full it is, and who mounts it')
    .action(async (pod: string | undefined, _options: unknown, command: Command) =>
      (await import('./commands/volumes.js')).volumes(invocationOf(command), pod),
    );
  program
    .command('volume')
    .description('work on what volumes hold')
    .command('hash <directory>')
    .description('print the root hash of a tree, which a pod can ask a volume to have; needs no daemon')
    .option('--entries', 'print the digest of each entry too')
    .option('--write-list', 'first write them to .crib-verity in it, by which a failed check can name what differs')
    .action(async (directory: string, options: VolumeHashOptions, command: Command) =>
      (await import('./commands/volume-hash.js')).volumeHash(invocationOf(command), directory, options),
    );
}

function addContainerCommands(program: Command): void {
  program
    .command('ps')
    .description('list containers')
    .option('-a, --all', 'also those that do not run')
    .action(async (options: { all?: boolean }, command: Command) =>
      (await import('./commands/ps.js')).ps(invocationOf(command), options),
    );
  program
    .command('logs <container>')
    .description("print a container's log")
    .option('-f, --follow', 'go on until the container ends')
    .option('--tail <lines>', 'only the last lines', wholeNumber)
    .option('--timestamps', 'print when each line was written')
    .action(async (id: string, options: { follow?: boolean; tail?: number; timestamps?: boolean }, command: Command) =>
      (await import('./commands/logs.js')).logs(invocationOf(command), id, options),
    );
  program
    .command('checkpoint <container> <archive>')
    .description('write the state of a running container to a file, by CRIU')
    .option('--timeout <seconds>', 'give up after this (0: the daemon decides)', wholeNumber, 0)
    .action(async (id: string, archive: string, options: { timeout: number }, command: Command) =>
      (await import('./commands/checkpoint.js')).checkpoint(invocationOf(command), id, archive, options),
    );
  program
    .command('events')
    .description('print what happens to pods and containers until Ctrl-C; first what nobody has been told yet')
    .action(async (_options: unknown, command: Command) =>
      (await import('./commands/events.js')).events(invocationOf(command)),
    );
  program
    .command('stats')
    .description('CPU and memory of the running containers')
    .action(async (_options: unknown, command: Command) =>
      (await import('./commands/stats.js')).stats(invocationOf(command)),
    );
}

function addStreamingCommands(program: Command): void {
  program
    .command('exec <container> <command...>')
    .description("run a command in a container; ends with the command's exit code")
    .option('-i, --interactive', 'pass on standard input')
    .option('-t, --tty', 'run it in a terminal')
    .option('--timeout <seconds>', 'kill the command after this (0: never); not with -i or -t', wholeNumber, 0)
    .passThroughOptions()
    .action(async (id: string, words: string[], options: ExecOptions, command: Command) =>
      (await import('./commands/exec.js')).exec(invocationOf(command), id, words, options),
    );
  program
    .command('attach <container>')
    .description("join a running container's input and output; ends with the container's exit code")
    .option('--no-stdin', 'only its output')
    .option('--detach-keys <keys>', 'leave a terminal by these ("": by none)', 'ctrl-p,ctrl-q')
    .action(async (id: string, options: AttachOptions, command: Command) =>
      (await import('./commands/attach.js')).attach(invocationOf(command), id, options),
    );
  program
    .command('port-forward <pod> <ports...>')
    .description(
      'forward local ports to a pod until Ctrl-C: [ADDRESS:]LOCAL:REMOTE, or PORT; LOCAL 0 is any that is free',
    )
    .action(async (pod: string, ports: string[], _options: unknown, command: Command) =>
      (await import('./commands/port-forward.js')).portForward(invocationOf(command), pod, ports),
    );
}

function addImageCommands(program: Command): void {
  program
    .command('images')
    .description('list images')
    .action(async (_options: unknown, command: Command) =>
      (await import('./commands/images.js')).images(invocationOf(command)),
    );
  program
    .command('pull <image>')
    .description('pull an image')
    .action(async (image: string, _options: unknown, command: Command) =>
      (await import('./commands/pull.js')).pull(invocationOf(command), image),
    );
  program
    .command('rmi <image...>')
    .description('remove images: by name, digest or id')
    .action(async (images: string[], _options: unknown, command: Command) =>
      (await import('./commands/rmi.js')).rmi(invocationOf(command), images),
    );
}

function invocationOf(command: Command): Invocation {
  const options = command.optsWithGlobals<{ connect?: string; config?: string; json?: boolean }>();
  return { connect: options.connect, configFile: options.config, json: options.json === true };
}

/** What the flags of `crib serve` set, by field. */
export function serveFlags(options: Readonly<Record<string, unknown>>): Partial<Config> {
  const fields: Record<string, string | readonly string[]> = {};
  for (const [, field] of SERVE_FLAGS) {
    const value = options[field];
    if (typeof value === 'string') fields[field] = field === 'cniBinDir' ? value.split(':') : value;
  }
  return fields;
}

/** Commander's error and its suggestion, on one line. */
function usageError(text: string): string {
  const what = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
  return `crib: ${what.replace(/\.$/, '')}; see crib --help or crib COMMAND --help\n`;
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
