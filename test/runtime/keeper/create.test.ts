import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { startTimeOf } from '../../../runtime/linux/processes.js';
import { withKeeper } from './harness.js';

const LIMIT = { timeout: 60_000 };

test(
  'a create that fails in whatever way says why, and leaves its log but no other file, and no process',
  LIMIT,
  async () => {
    await withKeeper(async ({ client, state, spec }) => {
      const log = path.join(path.dirname(state), 'kept.log');
      fs.writeFileSync(log, 'from before\n');
      const kept = { logPath: log };
      const background = 'sleep 60 </dev/null >/dev/null 2>&1 & echo $! > "$0"; ';
      const marker = path.join(path.dirname(state), 'pid');
      for (const [id, argv, code, message] of [
        ['stderr', ['sh', '-c', 'echo because >&2; exit 1'], 'INTERNAL', /creating container stderr: because$/],
        ['silent', ['sh', '-c', 'exit 4'], 'INTERNAL', /sh ended with exit code 4/],
        ['absent', ['/does/not/exist'], 'INTERNAL', /ENOENT/],
        ['no-pid', ['true'], 'INTERNAL', /init\.pid/],
        ['wrong-pid', ['sh', '-c', 'echo 1 > "$0"', '{pidFile}'], 'INTERNAL', /does not hold a process id/],
        ['slow', ['sleep', '60'], 'DEADLINE_EXCEEDED', /longer than 100 ms/],
        ['half', ['sh', '-c', `${background} cp "$0" "$1"; exit 2`, '{pidFile}', marker], 'INTERNAL', /exit code 2/],
      ] as const) {
        const wanted = spec(id, { createArgv: argv, stdio: kept, createTimeoutMs: id === 'slow' ? 100 : 10_000 });
        await assert.rejects(client.create(wanted), { code, message });
        assert.ok(!fs.existsSync(wanted.directory), id);
      }
      const logPath = path.join(path.dirname(state), 'logs', 'new.log');
      await assert.rejects(client.create(spec('new', { createArgv: ['false'], stdio: { logPath } })));
      assert.equal(fs.readFileSync(logPath, 'utf8'), '', 'what is asked for its log has one');
      const left = Number(fs.readFileSync(marker, 'utf8'));
      assert.ok(startTimeOf(left) === undefined, 'the init that the runtime left is killed');
      assert.deepEqual(await client.list(), []);
      assert.deepEqual(fs.readdirSync(path.join(state, 'keeper')), []);
      assert.equal(fs.readFileSync(log, 'utf8'), 'from before\n');
    });
  },
);
