import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { DEFAULT_PROFILE, defaultProfile } from '../../../../runtime/spec/apparmor/default.js';

const BARE = { own: 'unconfined', includes: [] };
const parser = spawnSync('apparmor_parser', ['--version'], { timeout: 10_000 }).error === undefined;

test('its name is in it once, and what it runs beside may signal it', () => {
  const text = defaultProfile({ own: 'crib-daemon', includes: ['abstractions/base'] });
  assert.match(text, new RegExp(`^@\\{PROC\\}=/proc\\nprofile ${DEFAULT_PROFILE} `));
  assert.match(text, /peer=crib-daemon,/);
  assert.match(text, /#include <abstractions\/base>/);
  assert.equal(defaultProfile(BARE).match(/peer=unconfined/g)?.length, 1);
});

test('apparmor_parser takes it', { skip: parser ? false : 'apparmor_parser is not installed' }, () => {
  const compile = (text: string) =>
    execFileSync('apparmor_parser', ['--skip-kernel-load', '--skip-cache', '--debug'], {
      input: text,
      encoding: 'utf8',
      timeout: 20_000,
    });
  assert.match(compile(defaultProfile(BARE)), new RegExp(DEFAULT_PROFILE));
});
