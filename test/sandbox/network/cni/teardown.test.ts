import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { tearDown } from '../../../../sandbox/network/cni/teardown.js';
import { recordingLog } from '../../../support/log.js';
import { namespace, SIGNAL, temporary } from '../support.js';
import { cniRecord } from './cni-record.js';
import { writePlugin } from './plugin-script.js';

const NOTE = 'echo "$(basename "$0") $CNI_COMMAND [$CNI_NETNS] $(grep -c prevResult)" >> "$(dirname "$0")/calls"';

async function chain(t: TestContext, change: Parameters<typeof cniRecord>[0] = {}, cniVersion = '1.0.0') {
  const directory = await temporary(t);
  for (const type of ['first', 'second']) await writePlugin(directory, type, NOTE);
  const plugins = [{ type: 'first' }, { type: 'second' }];
  const record = cniRecord({ config: { name: 'net', cniVersion, plugins }, result: {}, ...change });
  const { log, lines } = recordingLog();
  const calls = async () => (await fs.readFile(path.join(directory, 'calls'), 'utf8')).trim().split('\n');
  return { directory, record, log, lines, calls };
}

test('in reverse, with the result of before, and with no namespace where the pin is none any more', async (t) => {
  const { directory, record, log, calls } = await chain(t);
  await tearDown(record, [directory], log, SIGNAL);
  assert.deepEqual(await calls(), ['second DEL [] 1', 'first DEL [] 1']);
  const netns = await namespace(t);
  await fs.rm(path.join(directory, 'calls'));
  await tearDown({ ...record, netns }, [directory], log, SIGNAL);
  assert.deepEqual(await calls(), [`second DEL [${netns}] 1`, `first DEL [${netns}] 1`]);
});

test('before 0.4.0 there is no result of before', async (t) => {
  const { directory, record, log, calls } = await chain(t, {}, '0.3.1');
  await tearDown(record, [directory], log, SIGNAL);
  assert.deepEqual(await calls(), ['second DEL [] 0', 'first DEL [] 0']);
});

test('one that fails keeps no other from running; a caller that gave up is told why, at once', async (t) => {
  const { directory, record, log, calls } = await chain(t);
  await writePlugin(directory, 'second', `${NOTE}; exit 1`);
  const abort = new AbortController();
  const torn = tearDown(record, [directory], log, abort.signal);
  for (let tries = 0; tries < 500 && (await calls().catch(() => [])).length < 2; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  abort.abort();
  await assert.rejects(torn, { code: 'UNAVAILABLE', message: /^taking back the network of pod pod1: .*plugin second/ });
  assert.deepEqual(await calls(), ['second DEL [] 1', 'first DEL [] 1']);
});

test('a failure that passes is tried again', async (t) => {
  const { directory, record, log, calls } = await chain(t);
  await writePlugin(directory, 'first', `${NOTE}; test "$(grep -c first "$(dirname "$0")/calls")" -gt 1`);
  await tearDown(record, [directory], log, SIGNAL);
  assert.equal((await calls()).filter((call) => call.startsWith('first')).length, 2);
});

test('a plugin that is gone keeps no pod from going, and is named in the log', async (t) => {
  const { directory, record, log, lines, calls } = await chain(t);
  await fs.rm(path.join(directory, 'second'));
  await tearDown(record, [directory], log, SIGNAL);
  assert.deepEqual(await calls(), ['first DEL [] 1']);
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.plugin]),
    [['warn', 'second']],
  );
});
