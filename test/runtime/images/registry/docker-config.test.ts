import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { findInDockerConfigs } from '../../../../runtime/images/registry/docker-config.js';

const NEVER = new AbortController().signal;
let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-docker-config-'));
});
after(() => fs.rmSync(directory, { recursive: true }));

function file(content: unknown, name = 'config.json'): string {
  const at = path.join(directory, name);
  fs.writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content));
  return at;
}

const user = (name: string) => ({ auth: Buffer.from(`${name}:secret`).toString('base64') });

async function userFor(content: unknown, host: string, repository: string): Promise<string | undefined> {
  const found = await findInDockerConfigs([file(content)], [host], repository, NEVER);
  return found?.kind === 'basic' ? found.username : found?.kind;
}

test('the longest key that covers the repository counts, however it is written', async () => {
  const auths = {
    'https://index.docker.io/v1/': user('hub'),
    'r.example': user('host'),
    'https://r.example/team/': user('team'),
    'r.example/team/app': user('app'),
    'R.example:5000/v2/': user('port'),
  };
  for (const [host, repository, expected] of [
    ['docker.io', 'library/busybox', 'hub'],
    ['registry-1.docker.io', 'library/busybox', 'hub'],
    ['r.example', 'other', 'host'],
    ['r.example', 'team/web', 'team'],
    ['r.example', 'team/app', 'app'],
    ['r.example', 'team/app/part', 'app'],
    ['r.example', 'team/apple', 'team'],
    ['r.example', 'teams', 'host'],
    ['r.example:5000', 'team/app', 'port'],
    ['sub.r.example', 'team/app', undefined],
  ] as const) {
    assert.equal(await userFor({ auths }, host, repository), expected, `${host}/${repository}`);
  }
});

test('files are asked in turn, and what is not there or empty is skipped', async () => {
  const first = file({ auths: { 'one.example': user('one') } }, 'first');
  const second = file({ auths: { 'one.example': user('late'), 'two.example': user('two') } }, 'second');
  const files = [path.join(directory, 'none'), file('\n', 'empty'), first, second];
  const find = (...hosts: string[]) => findInDockerConfigs(files, hosts, 'x', NEVER);
  assert.deepEqual(await find('one.example'), { kind: 'basic', username: 'one', password: 'secret' });
  assert.deepEqual(await find('none.example', 'two.example'), { kind: 'basic', username: 'two', password: 'secret' });
  assert.equal(await find('none.example'), undefined);
});

test('a file that is malformed is named, without a word of what is in it', async () => {
  for (const [content, message] of [
    ['{"auths": {"r.example": {"auth": "c2VjcmV0"', /config\.json is not a JSON object; mend or remove it$/],
    ['["c2VjcmV0"]', /is not a JSON object/],
    [
      { auths: { 'r.example': { auth: 'c2VjcmV0' } } },
      /config\.json: auths\["r\.example"\]: auth\.auth is not base64 of user:password/,
    ],
  ] as const) {
    const failure = await userFor(content, 'r.example', 'x').then(
      () => assert.fail(),
      (error: unknown) => error,
    );
    assert.equal((failure as { code: string }).code, 'FAILED_PRECONDITION');
    assert.match(String(failure), message);
    assert.ok(!String(failure).includes('c2VjcmV0'));
  }
  for (const content of [
    { auths: null },
    { auths: [] },
    { auths: { 'r.example': 'text' } },
    { auths: { 'r.example': { auth: 7 } } },
  ]) {
    assert.equal(await userFor(content, 'r.example', 'x'), undefined, JSON.stringify(content));
  }
});
