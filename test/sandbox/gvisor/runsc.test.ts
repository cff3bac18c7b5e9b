import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { NO_FEATURES } from '../../../runtime/oci/feature-trials.js';
import { OciRuntime } from '../../../runtime/oci/oci-runtime.js';
import { innerKillOf, SANDBOX_FLAGS, watchOf } from '../../../sandbox/gvisor/runsc.js';
import { runscMissing } from '../../support/runsc.js';

const FACTS = { name: 'runsc', path: 'runsc', version: '', works: true, reason: '', features: NO_FEATURES };
const RUNTIME = new OciRuntime(FACTS, SANDBOX_FLAGS);
const TARGET = { id: 'c1', root: '/run/crib/runsc/p1', log: '/log' };
const WITHOUT_RUNSC = await runscMissing();

/** What follows the name of the command. */
const argumentsOf = (argv: readonly string[] = []): string[] => argv.slice(argv.indexOf('kill') + 1);

test('a command in a container is killed by its pid there, its descendants stopped before', () => {
  const { argv, tree } = innerKillOf(RUNTIME, TARGET);
  assert.deepEqual(argumentsOf(argv), ['--pid', '{pid}', 'c1', 'KILL']);
  assert.deepEqual(argumentsOf(tree?.stopArgv), ['--pid', '{pid}', 'c1', 'STOP']);
  assert.equal(tree?.listArgv.at(-1), 'c1');
});

test('a container is waited for at its sandbox’s socket, and killed with all that is in it', () => {
  const { waitCall, signalArgv, killArgv, waitArgv, env } = watchOf(RUNTIME, TARGET, 'sandbox');
  assert.equal(waitCall?.socket, '/run/crib/runsc/p1/runsc-sandbox.sock');
  assert.deepEqual(JSON.parse(waitCall?.request ?? ''), { method: 'containerManager.Wait', arg: 'c1' });
  assert.deepEqual(argumentsOf(signalArgv), ['c1', '{signal}'], 'a signal is for its first process');
  assert.deepEqual(argumentsOf(killArgv), ['--all', 'c1', 'KILL']);
  assert.equal(waitArgv.at(-1), 'c1');
  assert.deepEqual(Object.keys(env), ['PATH']);
});

test('every command begins with the root, so that none asks another sandbox', () => {
  const { argv, tree } = innerKillOf(RUNTIME, TARGET);
  const { signalArgv, killArgv, waitArgv } = watchOf(RUNTIME, TARGET, 'sandbox');
  for (const command of [argv, tree?.listArgv, tree?.stopArgv, signalArgv, killArgv, waitArgv]) {
    assert.equal(command?.[(command?.indexOf('--root') ?? -2) + 1], TARGET.root);
  }
});

test('the runsc that is installed has the flags', { skip: WITHOUT_RUNSC }, () => {
  const help = (...words: string[]): string => {
    const { stdout, stderr } = spawnSync('runsc', words, { encoding: 'utf8', timeout: 20_000 });
    return stdout + stderr;
  };
  const kill = help('help', 'kill');
  for (const flag of ['-all', '-pid']) assert.match(kill, new RegExp(`\\s${flag}\\b`));
  const flags = help('flags');
  for (const flag of SANDBOX_FLAGS) assert.match(flags, new RegExp(`\\s${flag.slice(1).split('=')[0]}\\b`));
});
