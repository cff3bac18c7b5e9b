/** What a client may ask, checked: the keeper trusts no field that came over its socket. */

import path from 'node:path';
import { CribError } from '../errors.js';
import { isObject } from './frames.js';
import type { PassedPipe, PassedPipes } from './passed-pipe.js';
import type {
  KeeperProgram,
  KeptContainerSpec,
  KeptExecSpec,
  KeptInnerKill,
  KeptSessionSpec,
  KeptStdio,
  KeptWaitCall,
  KeptWatch,
} from './protocol.js';

const ID = /^[A-Za-z0-9_+.-]{1,200}$/;

type Fields = Record<string, unknown>;

function invalid(field: string, expected: string): CribError {
  return new CribError('INVALID_ARGUMENT', `keeper request: ${field} must be ${expected}`);
}

export function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string' && !value.includes('\0')) return value;
  throw invalid(name, 'text without NUL');
}

export function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw invalid(name, 'a number that is not negative');
}

function flagOf(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value === 'boolean') return value;
  throw invalid(name, 'true or false');
}

function textsOf(fields: Fields, name: string): string[] {
  const value = fields[name];
  if (Array.isArray(value) && value.every((entry): entry is string => typeof entry === 'string')) return value;
  throw invalid(name, 'a list of texts');
}

export function argvOf(fields: Fields, name: string): string[] {
  const value = textsOf(fields, name);
  if (value.length > 0 && value[0] !== '') return value;
  throw invalid(name, 'a command');
}

export function envOf(fields: Fields): Record<string, string> {
  const value = fields.env;
  if (!isObject(value)) throw invalid('env', 'an object');
  return Object.fromEntries(Object.keys(value).map((name) => [name, textOf(value, name)]));
}

/** A container id that cannot leave the directory it is joined to. */
export function idOf(fields: Fields): string {
  const value = textOf(fields, 'id');
  if (ID.test(value) && value !== '.' && value !== '..') return value;
  throw invalid('id', 'of the form [A-Za-z0-9_+.-]+');
}

function absoluteOf(fields: Fields, name: string): string {
  const value = textOf(fields, name);
  if (path.isAbsolute(value) && path.normalize(value) !== '/') return value;
  throw invalid(name, 'an absolute path');
}

function stdioOf(fields: Fields): KeptStdio {
  const value = fields.stdio;
  if (!isObject(value)) throw invalid('stdio', 'an object');
  return {
    tty: flagOf(value, 'tty'),
    stdin: flagOf(value, 'stdin'),
    stdinOnce: flagOf(value, 'stdinOnce'),
    uid: numberOf(value, 'uid'),
    gid: numberOf(value, 'gid'),
    logPath: textOf(value, 'logPath') === '' ? '' : absoluteOf(value, 'logPath'),
    maxLineBytes: numberOf(value, 'maxLineBytes'),
  };
}

export function specOf(fields: Fields): KeptContainerSpec {
  return {
    id: idOf(fields),
    directory: absoluteOf(fields, 'directory'),
    createArgv: argvOf(fields, 'createArgv'),
    env: envOf(fields),
    runtimeLog: textOf(fields, 'runtimeLog'),
    stdio: stdioOf(fields),
    createTimeoutMs: numberOf(fields, 'createTimeoutMs'),
    cgroupDirs: textsOf(fields, 'cgroupDirs'),
  };
}

export function watchedSpecOf(fields: Fields): KeptContainerSpec {
  return { ...specOf(fields), watch: watchOf(fields) };
}

function watchOf(fields: Fields): KeptWatch {
  const value = fields.watch;
  if (!isObject(value)) throw invalid('watch', 'an object');
  return {
    waitArgv: argvOf(value, 'waitArgv'),
    ...waitCallOf(value),
    signalArgv: argvOf(value, 'signalArgv'),
    killArgv: argvOf(value, 'killArgv'),
    env: envOf(value),
  };
}

function waitCallOf(fields: Fields): { waitCall?: KeptWaitCall } {
  const value = fields.waitCall;
  if (value === undefined) return {};
  if (!isObject(value)) throw invalid('waitCall', 'an object');
  return { waitCall: { socket: absoluteOf(value, 'socket'), request: textOf(value, 'request') } };
}

export function execOf(fields: Fields): KeptExecSpec {
  return {
    argv: argvOf(fields, 'argv'),
    env: envOf(fields),
    pidFile: textOf(fields, 'pidFile'),
    timeoutMs: numberOf(fields, 'timeoutMs'),
    maxOutputBytes: numberOf(fields, 'maxOutputBytes'),
    ...innerKillOf(fields),
  };
}

export function sessionOf(fields: Fields): KeptSessionSpec {
  return {
    argv: argvOf(fields, 'argv'),
    env: envOf(fields),
    pidFile: absoluteOf(fields, 'pidFile'),
    runtimeLog: textOf(fields, 'runtimeLog'),
    pipes: pipesOf(fields),
    startTimeoutMs: numberOf(fields, 'startTimeoutMs'),
    ...innerKillOf(fields),
  };
}

function innerKillOf(fields: Fields): { innerKill?: KeptInnerKill } {
  const value = fields.innerKill;
  if (value === undefined) return {};
  if (!isObject(value)) throw invalid('innerKill', 'an object');
  const { tree } = value;
  if (tree !== undefined && !isObject(tree)) throw invalid('tree', 'an object');
  const ofTree = tree && { tree: { listArgv: argvOf(tree, 'listArgv'), stopArgv: argvOf(tree, 'stopArgv') } };
  const kill = { argv: argvOf(value, 'argv'), pidFile: absoluteOf(value, 'pidFile'), env: envOf(value) };
  return { innerKill: { ...kill, ...ofTree } };
}

/** Where a client takes its duplicates from; undefined: what waits for it is to be sent. */
export function holdOf(fields: Fields): string | undefined {
  return fields.path === undefined ? undefined : absoluteOf(fields, 'path');
}

export function programOf(fields: Fields): KeeperProgram {
  return {
    program: absoluteOf(fields, 'program'),
    flags: textsOf(fields, 'flags'),
    main: absoluteOf(fields, 'main'),
  };
}

export function pipesOf(fields: Fields): PassedPipes {
  const value = fields.pipes;
  if (!isObject(value)) throw invalid('pipes', 'an object');
  const pipes = (['stdin', 'stdout', 'stderr'] as const).map((name) => [name, pipeOf(value, name)] as const);
  return Object.fromEntries(pipes.filter(([, pipe]) => pipe !== undefined));
}

function pipeOf(fields: Fields, name: string): PassedPipe | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (!isObject(value)) throw invalid(`pipes.${name}`, 'an object');
  return { pid: integerOf(value, 'pid'), fd: integerOf(value, 'fd'), inode: textOf(value, 'inode') };
}

function integerOf(fields: Fields, name: string): number {
  const value = numberOf(fields, name);
  if (Number.isSafeInteger(value)) return value;
  throw invalid(name, 'a whole number');
}
