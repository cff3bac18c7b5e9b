import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpec } from '../../../runtime/cdi/spec-file.js';

const device = { name: 'a', containerEdits: { env: ['A=1'] } };
const base = { cdiVersion: '0.6.0', kind: 'vendor.com/thing', devices: [device] };
const parse = (change: object) => parseSpec(JSON.stringify({ ...base, ...change }), false);
const withEdits = (containerEdits: object, cdiVersion = '1.1.0') =>
  parse({ cdiVersion, devices: [{ name: 'a', containerEdits }] });

test('JSON and YAML say the same', async () => {
  const yaml = `cdiVersion: 0.6.0
kind: vendor.com/thing
devices:
  - name: a
    containerEdits:
      env: [A=1]
      hooks: [{hookName: prestart, path: /bin/x, args: [x, y], timeout: 3}]
`;
  const hooks = [{ hookName: 'prestart', path: '/bin/x', args: ['x', 'y'], timeout: 3 }];
  const json = { ...base, devices: [{ name: 'a', containerEdits: { env: ['A=1'], hooks } }] };
  const [fromYaml, fromJson] = await Promise.all([parseSpec(yaml, true), parseSpec(JSON.stringify(json), false)]);
  assert.deepEqual(fromYaml, fromJson);
  assert.deepEqual(fromJson.devices[0]?.edits.hooks, [
    { name: 'prestart', hook: { path: '/bin/x', args: ['x', 'y'], timeout: 3 } },
  ]);
});

test('a file that is not of the specification is refused with the place', async () => {
  const wrong: [object, RegExp][] = [
    [{ cdiVersion: '9.0.0' }, /cdiVersion is none of/],
    [{ kind: 'thing' }, /spec\.kind "thing"/],
    [{ devices: [] }, /spec\.devices is empty/],
    [{ devices: [device, device] }, /devices\[1\]\.name a is there twice/],
    [{ devices: [{ name: 'a', containerEdits: {} }] }, /devices\[0\]\.containerEdits is empty/],
    [{ devices: [{ name: '-', containerEdits: { env: ['A=1'] } }] }, /devices\[0\]\.name "-"/],
    [{ containerEdits: { env: ['A'] } }, /containerEdits\.env\[0\]/],
    [{ containerEdits: { deviceNodes: [{ path: 'dev' }] } }, /deviceNodes\[0\]\.path is not an absolute path/],
    [{ containerEdits: { hooks: [{ hookName: 'never', path: '/x' }] } }, /hooks\[0\]\.hookName is none of/],
    [{ containerEdits: { surprise: 1 } }, /containerEdits\.surprise is not a field/],
  ];
  for (const [change, message] of wrong) await assert.rejects(parse(change), { message });
  await assert.rejects(parseSpec('{', false), SyntaxError);
});

test('a file may not use what is newer than the version that it names', async () => {
  const newer: [object, string][] = [
    [{ netDevices: [{ hostInterfaceName: 'a', name: 'b' }] }, '1.0.0'],
    [{ additionalGids: [5] }, '0.6.0'],
    [{ intelRdt: { closID: 'x' } }, '0.6.0'],
    [{ deviceNodes: [{ path: '/dev/a', hostPath: '/dev/b' }] }, '0.4.0'],
    [{ mounts: [{ hostPath: '/a', containerPath: '/b', type: 'bind' }] }, '0.3.0'],
  ];
  for (const [edits, version] of newer) {
    await assert.rejects(withEdits(edits, version), /needs \d/);
    await withEdits(edits);
  }
  await assert.rejects(parse({ cdiVersion: '0.5.0', annotations: {} }), /annotations needs 0\.6\.0/);
  await assert.rejects(parse({ cdiVersion: '0.4.0', devices: [{ ...device, name: '0' }] }), /digit needs 0\.5\.0/);
});
