/** What raw mode does to a real terminal, and that it is undone. Signals: test/cri/cli/commands/exec.test.ts. */

import path from 'node:path';
import { test } from 'node:test';
import { inTerminal } from '../../../support/crib.js';

const MODULE = path.resolve(import.meta.dirname, '../../../../cri/cli/streaming/raw-terminal.js');

/** Runs a piece of JavaScript with `makeRaw` and `watchSize` in a terminal. */
function run(body: string) {
  const imports = `import { makeRaw, watchSize } from '${MODULE}'; import { execFileSync } from 'node:child_process';`;
  const stty = `const stty = (...words) => execFileSync('stty', words, { stdio: ['inherit', 'pipe', 'inherit'] }).toString();`;
  return inTerminal(
    `'${process.execPath}' --input-type=module -e '${(imports + stty + body).replaceAll("'", `'\\''`)}'`,
  );
}

test('input and output are as they are, and as before afterwards', async () => {
  const command = run(`
    const restore = makeRaw(process.stdin);
    const modes = stty('-a');
    restore();
    for (const mode of ['icanon', 'isig', 'echo', 'opost']) console.log(mode + ' ' + (modes.includes(' -' + mode) || modes.includes('\\n-' + mode)));
    process.exit(0);`);
  await command.shows(/icanon true\r\nisig true\r\necho true\r\nopost true\r\ncode 0\r\nsame/);
});

for (const [what, end, code] of [
  ['process.exit', 'process.exit(3)', 3],
  ['an exception', 'setTimeout(() => { throw new Error("thrown") })', 1],
  ['SIGHUP', 'process.kill(process.pid, "SIGHUP"); setInterval(() => {}, 1000)', 129],
] as const) {
  test(`${what} restores`, async () => {
    const command = run(`makeRaw(process.stdin); ${end};`);
    await command.shows(new RegExp(`code ${code}\r\nsame`));
  });
}

test('the size now and at each change', async () => {
  const command = run(`
    let times = 0;
    const stop = watchSize([process.stderr, process.stdout], ({ width, height }) => {
      console.log('size ' + width + ' ' + height);
      times += 1;
      if (times === 1) setTimeout(() => stty('rows', '44', 'cols', '55'), 10);
      else { stop(); process.exit(0); }
    });
    setInterval(() => {}, 1000);`);
  await command.shows(/size 77 33\r\nsize 55 44\r\ncode 0/);
});
