import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import type { VolumeDecision } from '../../../volumes/types.js';
import { Recheck } from '../../../volumes/verity/recheck.js';
import type { VerityRequest } from '../../../volumes/verity/request.js';
import { VerityError, verify } from '../../../volumes/verity/verified-mount.js';
import { until } from '../../support/until.js';
import { makeTemporary, mountCommand, removeTemporary } from '../fixture.js';
import { referenceRootHash } from './reference.js';

let root = '';
let request: VerityRequest;
const at = (...names: string[]) => path.join(root, ...names);

beforeEach(() => {
  root = makeTemporary();
  fs.mkdirSync(at('volume/sub'), { recursive: true });
  fs.writeFileSync(at('volume/sub/file'), 'content');
  const rootHash = referenceRootHash(at('volume'));
  request = { name: 'v', rootHash, action: 'error', hold: 'watch', containerPath: undefined };
});
afterEach(() => removeTemporary(root));

const DECISION: VolumeDecision = {
  containerPath: '/v',
  hostPath: '/v',
  kind: 'bind',
  route: 'bind',
  reason: '',
  readonly: true,
};

/** As it is recorded when the volume is mounted; `asked` is what later looks hold it to. */
async function recorded(asked = request, place = at('volume')): Promise<VolumeDecision> {
  const { tree, watched } = await verify(
    place,
    { ...request, rootHash: referenceRootHash(place) },
    { copyMaxBytes: 0 },
  );
  fs.closeSync(tree);
  assert.ok(watched !== undefined);
  const decision = { ...DECISION, realPath: place, watched: { ...watched, request: asked } };
  return JSON.parse(JSON.stringify(decision)) as VolumeDecision; // as in a record
}

/** Once the stamp says something: all that was written is old enough. */
async function settled(asked = request): Promise<Recheck> {
  let decision = await recorded(asked);
  await until(async () => {
    decision = await recorded(asked);
    return decision.watched?.stamp !== '';
  }, 'the volume has a stamp');
  return recheckOf(decision);
}

function recheckOf(decision: VolumeDecision): Recheck {
  return Recheck.of(decision) ?? assert.fail('it is none that is looked at again');
}

it('only what is to be watched is looked at again', async () => {
  assert.equal(Recheck.of(DECISION), undefined);
  for (const hold of ['check', 'copy'] as const) {
    const { tree, watched } = await verify(at('volume'), { ...request, hold }, { copyMaxBytes: 1 << 20 });
    fs.closeSync(tree);
    assert.equal(watched, undefined, hold);
  }
});

it('is not read again as long as nothing changes', async () => {
  const recheck = await settled({ ...request, rootHash: `sha256:${'0'.repeat(64)}` });
  await recheck.run(); // had it read anything, it would have found another hash
  fs.utimesSync(at('volume/sub/file'), 1, 1);
  await assert.rejects(recheck.run(), VerityError);
});

it('a wrong byte is found, and named; when it is right again, so is the volume', async () => {
  const recheck = await settled();
  fs.writeFileSync(at('volume/sub/file'), 'contenT');
  await assert.rejects(recheck.run(), (error) => {
    assert.ok(error instanceof VerityError);
    assert.match(
      error.message,
      /^its root hash is sha256:\w{64}, not sha256:\w{64}: since it was checked, sub\/file changed$/,
    );
    return true;
  });
  fs.writeFileSync(at('volume/sub/file'), 'content');
  await recheck.run();
});

it('what changed between the stamp and the hash is found too: the stamp is the older of the two', async () => {
  const decision = await recorded();
  fs.chmodSync(at('volume/sub'), 0o711);
  await assert.rejects(recheckOf(decision).run(), VerityError);
});

it('another directory at its path, or none, is another volume', async () => {
  const recheck = await settled();
  fs.renameSync(at('volume'), at('moved'));
  await assert.rejects(recheck.run(), { name: 'CribError', code: 'DATA_LOSS', message: /not at its path any more/ });
  fs.cpSync(at('moved'), at('volume'), { recursive: true });
  await assert.rejects(recheck.run(), { code: 'DATA_LOSS', message: /another file or directory is at its path/ });
  fs.rmSync(at('volume'), { recursive: true });
  fs.symlinkSync(at('moved'), at('volume'));
  await assert.rejects(recheck.run(), { code: 'DATA_LOSS' });
});

it('what is mounted below it on the host is not in the container, and is not looked at', async () => {
  const recheck = await settled();
  mountCommand('-t', 'tmpfs', 'tmpfs', at('volume/sub'));
  fs.writeFileSync(at('volume/sub/other'), '');
  await recheck.run();
});

it('a single file is watched as well', async () => {
  const place = at('volume/sub/file');
  const recheck = recheckOf(await recorded({ ...request, rootHash: referenceRootHash(place) }, place));
  await recheck.run();
  fs.appendFileSync(place, 'more');
  await assert.rejects(recheck.run(), VerityError);
});

it('what cannot be looked at three times is no longer what was checked', async () => {
  const recheck = await settled();
  fs.mkdirSync(at('volume/sub', ...Array.from({ length: 260 }, () => 'd')), { recursive: true });
  for (let time = 1; time < 3; time++) {
    await assert.rejects(recheck.run(), (error) => !(error instanceof VerityError));
  }
  await assert.rejects(recheck.run(), { code: 'DATA_LOSS', message: /cannot be looked at any more: .*256/ });
});

it('hints at changes in its directories, and leaves no descriptor', async () => {
  const before = fs.readdirSync('/proc/self/fd').length;
  const recheck = await settled();
  await recheck.run();
  let hints = 0;
  recheck.watch(() => {
    hints += 1;
  });
  fs.writeFileSync(at('volume/sub/file'), 'contenT');
  await until(() => hints > 0, 'the kernel hints');
  recheck.close();
  await assert.rejects(recheck.run(AbortSignal.abort()), { code: 'CANCELLED' });
  await assert.rejects(recheck.run(), VerityError);
  // libuv keeps the one descriptor of inotify that it opened for the first watcher.
  assert.ok(fs.readdirSync('/proc/self/fd').length <= before + 1);
});
