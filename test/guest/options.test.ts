import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions } from './options.js';
import { STEPS } from './steps.js';

test('without arguments every step runs, on KVM if it can', () => {
  const { steps, accelerators } = parseOptions([]);
  assert.deepEqual([steps, accelerators], [STEPS, ['kvm', 'tcg']]);
});

test('steps run in their own order, whatever the order of the arguments', () => {
  const names = parseOptions(['--step', 'units', '--step', 'doctor', '--accel', 'tcg']).steps.map(({ name }) => name);
  assert.deepEqual(names, ['doctor', 'units']);
});

test('what does not fit is refused with the usage', () => {
  for (const args of [
    ['--step', 'x'],
    ['--accel', 'x'],
    ['--cpus', '0'],
    ['--memory', '1'],
    ['--limit', 'x'],
    ['--x'],
  ]) {
    assert.throws(() => parseOptions(args), /usage|--x/, args.join(' '));
  }
});
