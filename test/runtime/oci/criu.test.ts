import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { criuObstacle } from '../../../runtime/oci/criu.js';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-criu-'));
after(() => fs.rmSync(directory, { recursive: true }));

const install = (script: string) =>
  fs.writeFileSync(path.join(directory, 'criu'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

test('what keeps CRIU from working is said: not there, or its own words', async () => {
  assert.match((await criuObstacle([directory])) ?? '', /not installed.*apt-get install criu/);
  install('echo "vdso: Unexpected bounds" >&2; exit 1');
  assert.match((await criuObstacle([directory])) ?? '', /cannot work with this kernel: .*Unexpected bounds/);
  install('[ "$1" = check ]');
  assert.equal(await criuObstacle(['/nonexistent', directory]), undefined);
});
