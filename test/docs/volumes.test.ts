/** docs/volumes.md says what the code does, and names tests that are there. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { GVISOR_CAPABILITIES } from '../../sandbox/gvisor/backend.js';
import { KINDS } from '../../volumes/registry.js';
import type { SandboxCapabilities } from '../../volumes/types.js';
import { HOST } from '../volumes/fixture.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** What a cell says that names no test. */
const WITHOUT_TEST = /^(the same rule|—: .+)$/;
/** Directories whose tests are runs of their own (test/run.ts). */
const APART = /^\.\.\/test\/(conformance|cluster|bench)\//;

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

/** The cells of the table under a heading, without its first two lines. */
function tableUnder(heading: string): string[][] {
  const [, section = ''] = read('docs/volumes.md').split(`\n## ${heading}\n`);
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const routesOf = (capabilities: SandboxCapabilities) =>
  KINDS.all().map((kind) =>
    kind
      .routes(capabilities)
      .map(({ route }) => route)
      .join(', '),
  );

test('the routing table is that of the kinds, in their order', () => {
  const rows = tableUnder('Kinds and routes');
  assert.deepEqual(
    rows.map(([kind]) => kind),
    KINDS.all().map(({ kind }) => `\`${kind}\``),
  );
  assert.deepEqual(
    rows.map(([, , host]) => host),
    routesOf(HOST.capabilities),
  );
  const gvisor = { ...GVISOR_CAPABILITIES, watchedCopies: true };
  assert.deepEqual(
    rows.map(([, , , inGvisor]) => inGvisor),
    routesOf(gvisor),
  );
});

test('each behaviour has its tests, under their names', () => {
  const wrong: string[] = [];
  for (const [behaviour = '', ...cells] of tableUnder('Behaviours and their tests')) {
    if (behaviour.startsWith('**')) continue;
    assert.equal(cells.length, 2, behaviour);
    const links = cells.flatMap((cell) => [...cell.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g)]);
    if (links.length === 0) wrong.push(`${behaviour}: no test`);
    for (const cell of cells) {
      if (!cell.startsWith('[') && !WITHOUT_TEST.test(cell)) wrong.push(`${behaviour}: ${cell}`);
    }
    for (const [, title = '', file = ''] of links) if (!isThere(title, file)) wrong.push(`${file}: ${title}`);
  }
  assert.deepEqual(wrong, []);
});

/** A test of that very name, which no option leaves out for good. */
function isThere(title: string, file: string): boolean {
  if (!/^\.\.\/test\/.*\.test\.ts$/.test(file) || APART.test(file)) return false;
  const literal = title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = new RegExp(`\\b(?:test|it)\\(\\s*(['"\`])${literal}\\1,(?!\\s*\\{\\s*(?:todo|skip: true))`);
  return found.test(read(path.join('docs', file)));
}
