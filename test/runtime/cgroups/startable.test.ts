/** On real cgroups: those of this host, and cgroup2 beside v1. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { after, describe, it } from 'node:test';
import { createCgroups } from '../../../runtime/cgroups/cgroups.js';
import { findHierarchies } from '../../../runtime/cgroups/hierarchies.js';
import type { Cgroups } from '../../../runtime/cgroups/types.js';
import { CgroupsV2 } from '../../../runtime/cgroups/v2.js';

const hierarchies = findHierarchies(fs.readFileSync('/proc/self/mountinfo', 'utf8'));
const implementations: [string, Cgroups][] = [['this host', await createCgroups()]];
if (hierarchies.version === 1 && hierarchies.unified !== undefined) {
  implementations.push(['the cgroup2 beside v1', new CgroupsV2(hierarchies.unified)]);
}

for (const [name, cgroups] of implementations) {
  describe(`what can be started in on ${name} (v${cgroups.version})`, () => {
    const base = `/crib-startable-test-${process.pid}-v${cgroups.version}`;
    const children: ChildProcess[] = [];

    after(async () => {
      for (const child of children) child.kill('SIGKILL');
      await cgroups.kill(base);
      await cgroups.remove(base);
    });

    const sleeper = (): number => {
      const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
      children.push(child);
      return child.pid ?? assert.fail('sleep does not run');
    };
    /** As an administrator does it. */
    const freeze = (path: string, frozen: boolean) => {
      if (cgroups.version === 2) {
        fs.writeFileSync(`${cgroups.directories(path)[0]}/cgroup.freeze`, frozen ? '1' : '0');
        return;
      }
      fs.writeFileSync(`${hierarchies.controllers.get('freezer')}${path}/freezer.state`, frozen ? 'FROZEN' : 'THAWED');
    };
    /** Does what the message of the refusal says. */
    const followAdvice = ({ message }: Error) => {
      const [, value, file] = /thaw it: echo (\w+) > (\S+)$/.exec(message) ?? assert.fail(message);
      fs.writeFileSync(file ?? '', value ?? '');
    };

    it('a new cgroup, and an empty one, can be used; it need not be there', async () => {
      await cgroups.requireUnused(`${base}/none/deep`);
      await cgroups.create(`${base}/empty/below`);
      await cgroups.requireUnused(`${base}/empty`);
      cgroups.requireThawed('/');
    });

    it('processes in it or below are named, and left alone', async () => {
      await cgroups.create(`${base}/used/below`);
      const pid = sleeper();
      await cgroups.attach(`${base}/used/below`, pid);
      for (const path of [`${base}/used`, `${base}/used/below`]) {
        await assert.rejects(cgroups.requireUnused(path), {
          code: 'FAILED_PRECONDITION',
          message: new RegExp(`^cgroup ${path} has 1 processes already \\(pid ${pid} first`),
        });
        cgroups.requireThawed(path);
      }
      assert.deepEqual(await cgroups.processes(`${base}/used`), [pid]);
      await cgroups.kill(`${base}/used`);
      await cgroups.requireUnused(`${base}/used`);
    });

    it('a frozen cgroup is named, wherever above it is; what the message says thaws it', async () => {
      await cgroups.create(`${base}/cold/inner`);
      for (const frozen of [`${base}/cold`, `${base}/cold/inner`]) {
        freeze(frozen, true);
        for (const path of [`${base}/cold/inner`, `${base}/cold/inner/new/one`]) {
          await assert.rejects(cgroups.requireUnused(path), (error: Error & { code?: string }) => {
            assert.equal(error.code, 'FAILED_PRECONDITION');
            assert.ok(error.message.startsWith(`cgroup ${frozen} is frozen: `), error.message);
            return true;
          });
        }
        await cgroups.requireUnused(`${base}/beside`);
        try {
          cgroups.requireThawed(`${base}/cold/inner`);
          assert.fail('it is frozen');
        } catch (error) {
          followAdvice(error as Error);
        }
        cgroups.requireThawed(`${base}/cold/inner`);
      }
    });

    it('one that is still being frozen counts: a process in it cannot be stopped yet', async () => {
      await cgroups.create(`${base}/freezing`);
      await cgroups.attach(`${base}/freezing`, sleeper());
      freeze(`${base}/freezing`, true);
      assert.throws(() => cgroups.requireThawed(`${base}/freezing`), { code: 'FAILED_PRECONDITION' });
      freeze(`${base}/freezing`, false);
      await cgroups.kill(`${base}/freezing`);
    });

    it('costs a fraction of a millisecond', async () => {
      await cgroups.create(`${base}/a/b/c`);
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 20; round++) {
        const start = performance.now();
        for (let time = 0; time < 20; time++) await cgroups.requireUnused(`${base}/a/b/c/new`);
        best = Math.min(best, (performance.now() - start) / 20);
      }
      if (process.env.CRIB_TEST_VERBOSE) console.log(`requireUnused: ${best.toFixed(3)} ms each`);
      assert.ok(best < 1, `${best} ms`);
    });
  });
}

describe('hierarchies of cgroup v1', { skip: hierarchies.version !== 1 }, () => {
  const base = `/crib-startable-test-${process.pid}-one`;
  const children: ChildProcess[] = [];

  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    const cgroups = await createCgroups();
    await cgroups.kill(base);
    await cgroups.remove(base);
  });

  it('a process that is in one of them alone is found', async () => {
    const cgroups = await createCgroups();
    await cgroups.create(base);
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    children.push(child);
    const place = `${hierarchies.controllers.get('memory')}${base}`;
    fs.writeFileSync(`${place}/cgroup.procs`, String(child.pid));
    assert.deepEqual(await cgroups.processes(base), [], 'not in the hierarchy that is asked elsewhere');
    await assert.rejects(cgroups.requireUnused(base), { message: new RegExp(`pid ${child.pid} first, ${place}/`) });
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  });

  it('the freezer of the cgroup2 beside it counts too', { skip: hierarchies.unified === undefined }, async () => {
    const cgroups = await createCgroups();
    await cgroups.create(base);
    const file = `${hierarchies.unified}${base}/cgroup.freeze`;
    fs.writeFileSync(file, '1');
    assert.throws(() => cgroups.requireThawed(base), { message: new RegExp(`echo 0 > ${file}$`) });
    fs.writeFileSync(file, '0');
    cgroups.requireThawed(base);
  });
});
