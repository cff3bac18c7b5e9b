/** What a container runs: arguments, environment, working directory. */

import type { ContainerConfig } from '../containers/config.js';
import type { ImageRunConfig } from '../images/types.js';
import { checkAbsolute, checkText, invalid } from './checks.js';
import type { SpecInput } from './types.js';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * CRI ContainerConfig.command and .args, as Kubernetes has them: a command replaces the image's ENTRYPOINT and drops
 * its CMD, args replace its CMD. Throws INVALID_ARGUMENT when nothing is left to run.
 */
export function processArgs(config: ContainerConfig, image: ImageRunConfig): string[] {
  const args = resolveArgs(config, image);
  if (args.length === 0) {
    throw invalid('config.command', `nothing to run: no command or args, and image ${config.image.image} has none`);
  }
  for (const arg of args) checkText('config.command and config.args', arg);
  return args;
}

function resolveArgs(config: ContainerConfig, image: ImageRunConfig): string[] {
  if (config.command.length > 0) return [...config.command, ...config.args];
  // An ENTRYPOINT of one empty string is how a Dockerfile unsets the base image's.
  const entrypoint = image.entrypoint.length === 1 && image.entrypoint[0] === '' ? [] : image.entrypoint;
  return [...entrypoint, ...(config.args.length > 0 ? config.args : image.cmd)];
}

/** Later ones win: what every container has, then the image's, then the CRI's. HOME only where nobody set one. */
export function processEnv(input: SpecInput): string[] {
  const { config, image, pod, user } = input;
  const env = new Map<string, string>([['PATH', DEFAULT_PATH]]);
  if (config.tty) env.set('TERM', 'xterm');
  if (pod.hostname !== '') env.set('HOSTNAME', pod.hostname);
  for (const entry of image.env) {
    const at = entry.indexOf('=');
    if (at > 0 && !entry.includes('\0')) env.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const [index, { key, value }] of config.envs.entries()) {
    const field = `config.envs[${index}]`;
    if (key === '' || key.includes('=')) throw invalid(`${field}.key`, `${JSON.stringify(key)} is empty or has a "="`);
    env.set(checkText(`${field}.key`, key), checkText(`${field}.value`, value));
  }
  if (!env.has('HOME')) env.set('HOME', user.home);
  return [...env].map(([key, value]) => `${key}=${value}`);
}

/** config.working_dir, else the image's, else `/`. */
export function processCwd(config: ContainerConfig, image: ImageRunConfig): string {
  if (config.workingDir !== '') return checkAbsolute('config.working_dir', config.workingDir);
  if (image.workingDir !== '') return checkAbsolute(`WorkingDir of image ${config.image.image}`, image.workingDir);
  return '/';
}
