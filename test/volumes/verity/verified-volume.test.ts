/** Verified volumes among the others of a container. */

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import type { MountConfig } from '../../../runtime/containers/config.js';
import { releaseOwned } from '../../../volumes/owned.js';
import { prepareVolumes } from '../../../volumes/prepare.js';
import type { VolumeContext } from '../../../volumes/types.js';
import type { VerityRequest } from '../../../volumes/verity/request.js';
import { verityErrorIn } from '../../../volumes/verity/verified-volume.js';
import { GUEST, HOST, makeTemporary, mountOf, removeTemporary } from '../fixture.js';
import { referenceRootHash } from './reference.js';

let root = '';
let volume = '';
let verity: VerityRequest;
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  volume = at('pods/uid1/volumes/kubernetes.io~configmap/site');
  fs.mkdirSync(volume, { recursive: true });
  fs.writeFileSync(path.join(volume, 'index.html'), 'hello');
  verity = {
    name: 'site',
    rootHash: referenceRootHash(volume),
    action: 'error',
    hold: 'check',
    containerPath: undefined,
  };
});
afterEach(() => removeTemporary(root));

const context = (more: Partial<VolumeContext> = {}, base = HOST): VolumeContext => ({
  ...base,
  owned: at('owned'),
  verity: [verity],
  ...more,
});
const readonly = (more: Partial<MountConfig> = {}) => mountOf(volume, '/site', { readonly: true, ...more });

it('is mounted from a path of crib, with its reason, on a host and in a guest', async () => {
  for (const base of [HOST, GUEST]) {
    const [other, prepared] = await prepareVolumes([mountOf(at('pods'), '/pods'), readonly()], context({}, base));
    assert.equal(other?.decision.verified, undefined);
    assert.equal(prepared?.mount?.source, at('owned/1'));
    assert.ok(['nosuid', 'nodev', 'ro'].every((option) => prepared?.mount?.options.includes(option)));
    assert.equal(prepared?.decision.verified, verity.rootHash);
    assert.match(
      prepared?.decision.reason ?? '',
      /its 1 files were checked to have the root hash when it was mounted$/,
    );
    assert.equal(prepared?.decision.route, base === GUEST ? 'host-shared' : 'bind');
    assert.equal(fs.readFileSync(at('owned/1/index.html'), 'utf8'), 'hello');
    releaseOwned(at('owned'));
  }
});

it('a volume is found by its path in the container too, and a copy says that it is one', async () => {
  const byPath = { ...verity, name: 'other', containerPath: '/site', hold: 'copy' as const };
  const [prepared] = await prepareVolumes([readonly()], context({ verity: [byPath] }));
  assert.match(prepared?.decision.reason ?? '', /and a copy of what was checked is mounted$/);
  fs.writeFileSync(path.join(volume, 'index.html'), 'later');
  assert.equal(fs.readFileSync(at('owned/0/index.html'), 'utf8'), 'hello');
  releaseOwned(at('owned'));
  const elsewhere = await prepareVolumes([readonly({ containerPath: '/elsewhere' })], context({ verity: [byPath] }));
  assert.equal(elsewhere[0]?.mount?.source, volume);
});

it('what is to be watched is written down: what was asked, and what it looked like before it was read', async () => {
  const watch = { ...verity, hold: 'watch' as const };
  const [prepared] = await prepareVolumes([readonly()], context({ verity: [watch] }));
  releaseOwned(at('owned'));
  const { reason = '', realPath, watched } = prepared?.decision ?? {};
  assert.match(reason, /when it was mounted, and are checked again when they change$/);
  const { dev, ino } = fs.statSync(volume, { bigint: true });
  assert.deepEqual(
    [realPath, watched?.request, watched?.device, watched?.inode],
    [volume, watch, String(dev), String(ino)],
  );
});

it('a wrong byte refuses the container, naming field and volume, and releases what was mounted', async () => {
  fs.writeFileSync(path.join(volume, 'index.html'), 'hellO');
  const good = { ...verity, name: 'good', rootHash: referenceRootHash(at('pods')), containerPath: '/a' };
  const mounts = [mountOf(at('pods'), '/a', { readonly: true }), readonly()];
  await assert.rejects(prepareVolumes(mounts, context({ verity: [good, verity] })), (error) => {
    assert.match(String(error), /config\.mounts\[1\]: verifying the volume "site" \(.*\/site\): its root hash is/);
    assert.equal(verityErrorIn(error)?.action, 'error');
    return true;
  });
  assert.equal(fs.existsSync(at('owned')), false);
  assert.equal(verityErrorIn(new Error('x', { cause: 'y' })), undefined);
});

it('refuses what cannot be verified: a writable mount, one that takes mounts from the host, one inside of a guest', async () => {
  for (const [mount, base, message] of [
    [mountOf(volume, '/site'), HOST, /it is mounted writable/],
    [readonly({ propagation: 'host-to-container' }), HOST, /(what the host mounts in it later|not a shared)/],
  ] as const) {
    await assert.rejects(prepareVolumes([mount], context({}, base)), { code: 'FAILED_PRECONDITION', message });
  }
});
