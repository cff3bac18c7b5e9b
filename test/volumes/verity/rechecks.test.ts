import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, it } from 'node:test';
import type { VolumeDecision } from '../../../volumes/types.js';
import { type Following, Rechecks } from '../../../volumes/verity/rechecks.js';
import type { VerityRequest } from '../../../volumes/verity/request.js';
import { verify } from '../../../volumes/verity/verified-mount.js';
import { recordingLog } from '../../support/log.js';
import { until } from '../../support/until.js';
import { makeTemporary, removeTemporary } from '../fixture.js';
import { referenceRootHash } from './reference.js';

let root = '';
let volumes: VolumeDecision[] = [];
let rechecks: Rechecks;
const { log } = recordingLog();
const file = () => path.join(root, 'volume/file');

beforeEach(async () => {
  root = makeTemporary();
  fs.mkdirSync(path.join(root, 'volume'));
  fs.writeFileSync(file(), 'content');
  const realPath = path.join(root, 'volume');
  const rootHash = referenceRootHash(realPath);
  const request: VerityRequest = { name: 'v', rootHash, action: 'error', hold: 'watch', containerPath: undefined };
  const { tree, watched } = await verify(realPath, request, { copyMaxBytes: 0 });
  fs.closeSync(tree);
  assert.ok(watched !== undefined);
  const mounted = { containerPath: '/v', hostPath: realPath, realPath, readonly: true } as const;
  volumes = [{ ...mounted, kind: 'bind', route: 'bind', reason: '', watched: { ...watched, request } }];
  rechecks = new Rechecks(log, 50);
});
afterEach(async () => {
  rechecks.close();
  await removeTemporary(root);
});

function following(change: Partial<Following> = {}): Following {
  const none = { id: 'c', volumes, wanted: () => true, onMismatch: async () => undefined };
  return { ...none, signal: new AbortController().signal, ...change };
}

it('a change is told soon, and told again until its container is not wanted any more', async () => {
  let wanted = true;
  const told: string[] = [];
  const onMismatch = async (error: Error) => {
    told.push(error.message);
    wanted = told.length < 2;
  };
  rechecks.follow(following({ wanted: () => wanted, onMismatch }));
  assert.equal(rechecks.size, 1);
  fs.writeFileSync(file(), 'contenT');
  await until(() => told.length === 2, 'it is told twice');
  assert.match(told[0] ?? '', /since it was checked, (., )?file changed$/);
  await until(() => rechecks.size === 0, 'the container is forgotten');
});

it('a container without such volumes is not followed, one that is followed not twice', () => {
  rechecks.follow(following({ volumes: volumes.map(({ watched: _, ...rest }) => rest) }));
  assert.equal(rechecks.size, 0);
  rechecks.follow(following());
  rechecks.follow(following());
  assert.equal(rechecks.size, 1);
  rechecks.close();
  assert.equal(rechecks.size, 0);
});

it('nothing is told of what was given up', async () => {
  const ending = new AbortController();
  let told = 0;
  const onMismatch = async () => {
    told += 1;
  };
  let asked = 0;
  const wanted = () => {
    asked += 1;
    return asked < 2;
  };
  ending.abort();
  fs.writeFileSync(file(), 'contenT');
  rechecks.follow(following({ signal: ending.signal, onMismatch, wanted }));
  await until(() => rechecks.size === 0, 'it is forgotten');
  assert.equal(told, 0);
});
