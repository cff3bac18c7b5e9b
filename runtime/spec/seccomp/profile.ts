/**
 * From a parsed profile file to the OCI form. Two formats are in use: OCI's own LinuxSeccomp (config-linux.md), and
 * Docker's, which adds `archMap` and, for each rule, `includes` and `excludes` by capability, architecture and kernel.
 */

import os from 'node:os';
import { CribError } from '../../errors.js';
import type { Seccomp, SeccompArg, SeccompRule } from './default.js';

const FIELD = 'config.linux.security_context.seccomp.localhost_ref';

/** Docker's names (Go's GOARCH) of Node's `process.arch`. */
const DOCKER_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

type Fields = Readonly<Record<string, unknown>>;

/** What a rule's `includes` and `excludes` are held against. */
interface Facts {
  readonly capabilities: readonly string[];
  readonly architecture: string;
  readonly kernel: readonly [number, number];
}

/**
 * Checks a parsed profile and turns it into linux.seccomp for a container with these bounding capabilities. Throws
 * FAILED_PRECONDITION that says what in the file is wrong.
 */
export function localhostSeccomp(profile: unknown, capabilities: readonly string[]): Seccomp {
  const fields = record(profile, 'the profile');
  const [major, minor] = os.release().split('.');
  const facts: Facts = {
    capabilities,
    architecture: DOCKER_ARCHITECTURES[process.arch] ?? process.arch,
    kernel: [Number(major ?? 0), Number(minor ?? 0)],
  };
  const syscalls = list(fields.syscalls ?? [], 'syscalls').map((rule, index) => record(rule, `syscalls[${index}]`));
  return {
    defaultAction: text(fields.defaultAction, 'defaultAction'),
    ...optional('defaultErrnoRet', fields.defaultErrnoRet, integer),
    architectures: architectures(fields),
    ...optional('flags', fields.flags, texts),
    ...optional('listenerPath', fields.listenerPath, text),
    ...optional('listenerMetadata', fields.listenerMetadata, text),
    syscalls: syscalls.filter((rule) => applies(rule, facts)).map(toRule),
  };
}

function architectures(fields: Fields): readonly string[] {
  if (fields.archMap === undefined || fields.archMap === null) {
    return texts(fields.architectures ?? [], 'architectures');
  }
  const entries = list(fields.archMap, 'archMap').map((entry) => record(entry, 'archMap'));
  const own = NATIVE[process.arch];
  const entry = entries.find((candidate) => candidate.architecture === own);
  if (own === undefined || entry === undefined) return [];
  return [own, ...texts(entry.subArchitectures ?? [], 'archMap.subArchitectures')];
}

const NATIVE: Readonly<Record<string, string>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
  riscv64: 'SCMP_ARCH_RISCV64',
  s390x: 'SCMP_ARCH_S390X',
};

/** Docker's conditions: all of `includes.caps` must be there, none of `excludes.caps`; the same for the others. */
function applies(rule: Fields, facts: Facts): boolean {
  const includes = conditions(rule.includes, 'includes');
  const excludes = conditions(rule.excludes, 'excludes');
  if (excludes.capabilities.some((name) => facts.capabilities.includes(name))) return false;
  if (excludes.machines.includes(facts.architecture)) return false;
  if (excludes.kernel !== undefined && isAtLeast(facts.kernel, excludes.kernel)) return false;
  if (!includes.capabilities.every((name) => facts.capabilities.includes(name))) return false;
  if (includes.machines.length > 0 && !includes.machines.includes(facts.architecture)) return false;
  return includes.kernel === undefined || isAtLeast(facts.kernel, includes.kernel);
}

function conditions(value: unknown, field: string) {
  const fields = record(value ?? {}, field);
  return {
    capabilities: texts(fields.caps ?? [], `${field}.caps`),
    machines: texts(fields.arches ?? [], `${field}.arches`),
    kernel: fields.minKernel === undefined || fields.minKernel === null ? undefined : kernelOf(fields.minKernel, field),
  };
}

/** `4.8`. A rule whose condition cannot be read must not be the one that is left out, or in. */
function kernelOf(value: unknown, field: string): Facts['kernel'] {
  const match = /^([0-9]{1,6})\.([0-9]{1,6})$/.exec(text(value, `${field}.minKernel`));
  if (match === null) throw malformed(`${field}.minKernel`, 'a version such as 4.8');
  return [Number(match[1]), Number(match[2])];
}

function isAtLeast([ownMajor, ownMinor]: Facts['kernel'], [major, minor]: Facts['kernel']): boolean {
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** Docker's old form names one call, `name`, instead of `names`. */
function toRule(rule: Fields): SeccompRule {
  const names = rule.name === undefined || rule.name === null || rule.name === '' ? rule.names : [rule.name];
  return {
    names: texts(names, 'syscalls.names'),
    action: text(rule.action, 'syscalls.action'),
    ...optional('errnoRet', rule.errnoRet, integer),
    args: list(rule.args ?? [], 'syscalls.args').map((arg) => toArg(record(arg, 'syscalls.args'))),
  };
}

function toArg(arg: Fields): SeccompArg {
  return {
    index: integer(arg.index, 'syscalls.args.index'),
    value: integer(arg.value, 'syscalls.args.value'),
    ...optional('valueTwo', arg.valueTwo, integer),
    op: text(arg.op, 'syscalls.args.op'),
  };
}

function optional<K extends string, T>(key: K, value: unknown, check: (value: unknown, field: string) => T) {
  if (value === undefined || value === null) return {};
  return { [key]: check(value, key) } as { readonly [P in K]: T };
}

function record(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(field, 'an object');
  return value as Fields;
}

function list(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(field, 'a list');
  return value;
}

function texts(value: unknown, field: string): readonly string[] {
  return list(value, field).map((item) => text(item, field));
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string') throw malformed(field, 'a string');
  return value;
}

/** JSON numbers beyond 2^53 have lost their last bits when they get here: refused, not guessed at. */
function integer(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw malformed(field, 'an integer from 0 to 2^53 - 1');
  return Number(value);
}

function malformed(field: string, wanted: string): CribError {
  return new CribError('FAILED_PRECONDITION', `${FIELD}: in the seccomp profile, ${field} is not ${wanted}`);
}
