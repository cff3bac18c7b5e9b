/** The second disk: the repository as it is built here, and in GUEST_PARTS what a guest without a network cannot get. */

import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { kubeletTool } from '../cluster/tools.js';
import { conformanceTools } from '../conformance/tools.js';
import { command } from '../support/command.js';
import { debianTree, staticBusybox } from '../support/images-debian.js';
import { makeDisk } from './disk.js';
import { GUEST_PARTS, PLAN, type Plan } from './steps.js';

const COPY_TIMEOUT_MS = 600_000;
/** For what the guest writes there: nothing but the results. */
const SPARE_MIB = 512;
/** What builds and formats, which the guest does not. */
const NOT_TAKEN = ['.git', ...['@biomejs', '@esbuild', '@typescript', 'esbuild'].map((name) => `node_modules/${name}`)];
/** Debian's tree has these. */
const SYSTEM_LIBRARIES = /^(ld-linux.*|lib(c|m|dl|pthread|rt|stdc\+\+|gcc_s|z))\.so/;

/** Makes the disk image `file`; `dir` is for what it is made of, and clean again afterwards. */
export async function makeCargo(file: string, dir: string, plan: Plan): Promise<void> {
  const stage = await mkdtemp(join(dir, 'stage-'));
  try {
    await copyRepository(stage);
    const parts = join(stage, GUEST_PARTS);
    for (const name of ['bin', 'lib', 'tools', 'debian']) await mkdir(join(parts, name), { recursive: true });
    await writeFile(join(parts, PLAN), JSON.stringify(plan));
    await copyNode(parts);
    await copyTools(parts, plan);
    const size = (await command('du', ['-sm', stage])).toString().split('\t')[0];
    await makeDisk(stage, file, Math.ceil(Number(size) * 1.2) + SPARE_MIB);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function copyRepository(stage: string): Promise<void> {
  const excluded = NOT_TAKEN.map((path) => `--exclude=./${path}`).join(' ');
  const script = `set -o pipefail; tar -c ${excluded} . | tar -x -C "$1"`;
  await command('bash', ['-c', script, 'bash', stage], { timeout: COPY_TIMEOUT_MS });
}

/** The one that runs this: Debian's own would be another version. */
async function copyNode(parts: string): Promise<void> {
  await copyFile(process.execPath, join(parts, 'bin', 'node'));
  const listed = (await command('ldd', [process.execPath])).toString();
  for (const [, path = ''] of listed.matchAll(/=> (\/\S+)/g)) {
    if (!SYSTEM_LIBRARIES.test(basename(path))) await copyFile(path, join(parts, 'lib', basename(path)));
  }
}

/** Under the names that they have in the test cache, which the guest's shall be. */
async function copyTools(parts: string, plan: Plan): Promise<void> {
  const directories: [from: string, to: string][] = [[await conformanceTools(), 'tools']];
  if (plan.steps.some((step) => step.startsWith('kubelet'))) {
    directories.push([join(await kubeletTool(), '..'), 'tools']);
  }
  directories.push([await debianTree(), 'debian'], [join(await staticBusybox(), '..', '..'), 'debian']);
  for (const [from, to] of directories) {
    await command('cp', ['-a', from, join(parts, to)], { timeout: COPY_TIMEOUT_MS });
  }
}
