import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { addByPlugin, deleteByPlugin, findPlugin, type PluginCall } from '../../../../sandbox/network/cni/plugin.js';
import { SIGNAL, temporary } from '../support.js';
import { cniRecord } from './cni-record.js';
import { writePlugin } from './plugin-script.js';

async function callOf(t: TestContext, script: string, change: Partial<PluginCall> = {}) {
  const directory = await temporary(t);
  await writePlugin(directory, 'bridge', script);
  const plugin = { type: 'bridge', mtu: 1400, capabilities: { portMappings: true } };
  const record = cniRecord({ capabilityArgs: { portMappings: [1], bandwidth: 2 } });
  const call: PluginCall = { record, plugin, binDirs: [directory], previous: undefined, signal: SIGNAL, ...change };
  return { directory, call };
}

test('the first directory that has it as a program', async (t) => {
  const root = await temporary(t);
  await writePlugin(path.join(root, 'b'), 'x', '');
  await writePlugin(path.join(root, 'c'), 'x', '');
  await fs.mkdir(path.join(root, 'a'));
  await fs.writeFile(path.join(root, 'a/x'), '', { mode: 0o644 });
  const dirs = ['none', 'a', 'b', 'c'].map((name) => path.join(root, name));
  assert.equal(findPlugin('x', dirs), path.join(root, 'b/x'));
  assert.equal(findPlugin('y', dirs), undefined);
});

test('a plugin gets its configuration on stdin, what it declares, and the result before it', async (t) => {
  const { directory, call } = await callOf(
    t,
    'cat > "$(dirname "$0")/in"; env | grep ^CNI_ | sort > "$(dirname "$0")/env"; echo "{}"',
    { previous: { ips: [] } },
  );
  assert.deepEqual((await addByPlugin(call)).ips, []);
  assert.deepEqual(JSON.parse(await fs.readFile(path.join(directory, 'in'), 'utf8')), {
    type: 'bridge',
    mtu: 1400,
    capabilities: { portMappings: true },
    name: 'net',
    cniVersion: '1.0.0',
    runtimeConfig: { portMappings: [1] },
    prevResult: { ips: [] },
  });
  assert.deepEqual((await fs.readFile(path.join(directory, 'env'), 'utf8')).trim().split('\n'), [
    'CNI_ARGS=IgnoreUnknown=1',
    'CNI_COMMAND=ADD',
    'CNI_CONTAINERID=pod1',
    'CNI_IFNAME=eth0',
    'CNI_NETNS=/nonexistent-crib',
    `CNI_PATH=${directory}`,
  ]);
});

test('its errors have the code that the specification gives them, and its words', async (t) => {
  for (const [code, expected] of [
    [1, 'FAILED_PRECONDITION'],
    [7, 'FAILED_PRECONDITION'],
    [11, 'UNAVAILABLE'],
    [100, 'INTERNAL'],
  ] as const) {
    const { call } = await callOf(t, `echo '{"code":${code},"msg":"no","details":"room"}'; exit 1`);
    await assert.rejects(addByPlugin(call), {
      code: expected,
      message: `CNI ADD of network net by plugin bridge: no: room (code ${code})`,
    });
  }
});

test('without an error object its stderr, its output or its exit code speaks', async (t) => {
  for (const [script, message] of [
    ['echo oops >&2; exit 3', /: oops$/],
    ['echo said; exit 3', /: said/],
    ['exit 3', /: exit code 3$/],
  ] as const) {
    const { call } = await callOf(t, script);
    await assert.rejects(deleteByPlugin(call, ''), { code: 'INTERNAL', message });
  }
  const { call } = await callOf(t, 'echo not json');
  await assert.rejects(addByPlugin(call), { code: 'INTERNAL', message: /bridge: its result cannot be used/ });
});

test('a plugin that is not installed is NOT_FOUND with where it was looked for', async (t) => {
  const { call } = await callOf(t, '', { plugin: { type: 'other' } });
  await assert.rejects(addByPlugin(call), {
    code: 'NOT_FOUND',
    message: /plugin other: there is no such plugin in \//,
  });
});
