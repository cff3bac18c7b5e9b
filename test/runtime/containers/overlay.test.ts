import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { mountOverlay } from '../../../runtime/containers/overlay.js';
import { MS } from '../../../runtime/linux/constants.js';
import { unmount } from '../../../runtime/linux/mounts.js';

let root = '';
before(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-overlay-'));
  for (const name of ['target', 'below', 'upper', 'work']) fs.mkdirSync(path.join(root, name));
});
after(() => fs.rmSync(root, { recursive: true }));

/** Topmost first. */
function layers(count: number, pad: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const directory = path.join(root, `layers-${pad}`, `${index}`.padEnd(pad, 'x'), 'fs');
    fs.mkdirSync(directory, { recursive: true });
    for (const name of ['top', `only-${index}`]) fs.writeFileSync(path.join(directory, name), `${index}`);
    return directory;
  });
}

/** What is mounted at the target while `look` looks. */
function mounted(overlay: Parameters<typeof mountOverlay>[1], look: (target: string, options: string) => void): void {
  const target = path.join(root, 'target');
  const cwd = process.cwd();
  mountOverlay(target, overlay);
  try {
    assert.equal(process.cwd(), cwd);
    assert.equal(fs.readFileSync(path.join(target, 'top'), 'utf8'), '0');
    const line = fs
      .readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((one) => one.includes(` ${target} `));
    look(target, line?.split(' - overlay ')[1] ?? '');
  } finally {
    unmount(target);
  }
}

test('a hundred and twenty-eight layers of the names that crib gives fit into mount(2), which every kernel has', () => {
  const options = [
    ['upperdir', path.join(root, 'upper')],
    ['workdir', path.join(root, 'work')],
    ['volatile', null],
  ] as const;
  const lower = layers(128, 16);
  assert.ok(lower.join(':').length > 4095);
  mounted({ layers: lower, options }, (target, shown) => {
    assert.match(shown, /lowerdir=0x{15}\/fs:1x{15}\/fs:.*:127x{13}\/fs,upperdir=\//);
    assert.equal(fs.readdirSync(target).length, 129);
    fs.writeFileSync(path.join(target, 'written'), '');
  });
  assert.ok(fs.existsSync(path.join(root, 'upper/written')));
});

test('few layers keep their whole names, and what is below them its own', () => {
  fs.writeFileSync(path.join(root, 'below/lowest'), '');
  const below = [path.join(root, 'below')];
  mounted({ layers: layers(2, 16), below, flags: MS.RDONLY }, (target, shown) => {
    assert.ok(shown.includes(`lowerdir=${root}/layers-16/`), shown);
    assert.deepEqual(fs.readdirSync(target), ['lowest', 'only-0', 'only-1', 'top']);
    assert.throws(() => fs.writeFileSync(path.join(target, 'x'), ''), { code: 'EROFS' });
  });
  mounted({ layers: layers(128, 16), below, flags: MS.RDONLY }, (target) => {
    assert.ok(fs.existsSync(path.join(target, 'lowest')));
  });
});

test('more than fit by any names are given one by one', () => {
  mounted({ layers: layers(40, 150), flags: MS.RDONLY }, (target) => {
    assert.equal(fs.readdirSync(target).length, 41);
    assert.throws(() => fs.writeFileSync(path.join(target, 'x'), ''), { code: 'EROFS' });
  });
});
