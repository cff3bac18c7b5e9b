import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { createEmptyDir, removePodVolumes } from '../../volumes/local.js';
import { bindSubPath, type LocalSubPath } from '../../volumes/local-sub-path.js';
import { prepareVolumes } from '../../volumes/prepare.js';
import { recordingLog } from '../support/log.js';
import { HOST, makeTemporary, mountOf, removeTemporary } from './fixture.js';

let root = '';
let part: LocalSubPath;
const watch = { pod: 'p', log: recordingLog().log };

before(async () => {
  root = makeTemporary();
  const directory = await createEmptyDir(root, 'uid1', 'v', { medium: '' });
  part = { podUid: 'uid1', volume: 'v', container: 'c', index: 3, directory, subPath: 'a/b' };
});
after(() => removeTemporary(root));

it('is bound where a kubelet has it, and stays what it was when the pod swaps it for a link', async () => {
  const bound = await bindSubPath(root, part, watch);
  assert.equal(bound, path.join(root, 'uid1/volume-subpaths/v/c/3'));
  fs.writeFileSync(path.join(bound, 'file'), 'inside');
  fs.renameSync(path.join(part.directory, 'a'), path.join(part.directory, 'away'));
  fs.symlinkSync('/etc', path.join(part.directory, 'a'));
  assert.deepEqual(fs.readdirSync(bound), ['file']);
  await assert.rejects(bindSubPath(root, part, watch), { code: 'INVALID_ARGUMENT' });
  const [prepared] = await prepareVolumes([mountOf(bound, '/m')], HOST);
  assert.match(prepared?.decision.reason ?? '', /a part of the emptyDir "v"/);
  fs.unlinkSync(path.join(part.directory, 'a'));
  assert.deepEqual(fs.readdirSync(await bindSubPath(root, part, watch)), [], 'what the subPath means now');
});

it('takes no path for a name, and goes with the pod', async () => {
  for (const wrong of [{ podUid: '..' }, { volume: 'a/b' }, { container: '' }]) {
    await assert.rejects(bindSubPath(root, { ...part, ...wrong }, watch), { code: 'INVALID_ARGUMENT' });
  }
  await removePodVolumes(root, 'uid1');
  assert.deepEqual(fs.readdirSync(root), []);
});
