import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { askHelper } from '../../../../runtime/images/registry/credential-helper.js';
import { until } from '../../../support/until.js';

const NEVER = new AbortController().signal;
const PATH = process.env.PATH;
let directory = '';
before(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-helper-'));
  process.env.PATH = `${directory}:${PATH}`;
});
after(() => {
  process.env.PATH = PATH;
  fs.rmSync(directory, { recursive: true });
});

function helper(name: string, script: string): void {
  fs.writeFileSync(path.join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const answer = (username: string, secret: string) =>
  `echo '${JSON.stringify({ ServerURL: 'x', Username: username, Secret: secret })}'`;

test('it is asked for the host, and answers with a user, a token, or nothing', async () => {
  helper('user', `read host; [ "$1" = get ] || exit 9; ${answer('u', 's')}; echo "$host" >${directory}/asked`);
  assert.deepEqual(await askHelper('user', 'r.example:5000', NEVER), { kind: 'basic', username: 'u', password: 's' });
  assert.equal(fs.readFileSync(path.join(directory, 'asked'), 'utf8'), 'r.example:5000\n');
  helper('token', answer('<token>', 'refresh'));
  assert.deepEqual(await askHelper('token', 'r', NEVER), { kind: 'identity', token: 'refresh' });
  helper('empty', answer('', ''));
  assert.equal(await askHelper('empty', 'r', NEVER), undefined);
  helper('none', 'echo "credentials not found in native keychain"; exit 1');
  assert.equal(await askHelper('none', 'r', NEVER), undefined);
});

test('one that fails, answers nonsense or writes without an end is named, and a secret is not', async () => {
  helper('fails', 'printf "line one\\nline \\033[31mtwo"; exit 3');
  helper('nonsense', `echo '{"Username":"u","Secret":7,"hidden":"secret"}'`);
  helper('broken', `echo '{"Secret":"secret"'`);
  helper('loud', 'cat /dev/zero');
  for (const [name, message] of [
    ['fails', /^docker-credential-fails get for r failed \(3\): line one line \[31mtwo$/],
    ['nonsense', /^docker-credential-nonsense get did not answer with Username and Secret in JSON$/],
    ['broken', /^docker-credential-broken get did not answer/],
    ['loud', /^docker-credential-loud get wrote too much$/],
    ['absent', /^could not run docker-credential-absent: .*ENOENT/],
    ['../../bin/sh', /that is no program name$/],
    ['a b', /that is no program name$/],
    ['', /that is no program name$/],
  ] as const) {
    await assert.rejects(askHelper(name, 'r', NEVER), { code: 'FAILED_PRECONDITION', message }, name);
  }
});

test('it ends with who asked for it, and all that it has started', async () => {
  helper('slow', `echo $$ >${directory}/pid.tmp; mv ${directory}/pid.tmp ${directory}/pid; sleep 1000`);
  const abort = new AbortController();
  const asked = askHelper('slow', 'r', abort.signal);
  await until(() => fs.existsSync(path.join(directory, 'pid')), 'it runs');
  const pid = Number(fs.readFileSync(path.join(directory, 'pid'), 'utf8'));
  abort.abort();
  await assert.rejects(asked, { code: 'CANCELLED' });
  const gone = () => {
    try {
      process.kill(-pid, 0);
      return false;
    } catch {
      return true;
    }
  };
  await until(gone, 'its process group has ended');
  await assert.rejects(askHelper('slow', 'r', abort.signal), { code: 'CANCELLED' }, 'it is not even started');
});
