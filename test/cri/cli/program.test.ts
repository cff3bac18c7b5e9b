import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildProgram, SERVE_FLAGS } from '../../../cri/cli/program.js';

test('what follows the container is the command of exec, flags too', async () => {
  const program = buildProgram();
  const exec = program.commands.find((command) => command.name() === 'exec');
  let seen: unknown;
  exec?.action((_id: string, words: string[]) => {
    seen = words;
  });
  await program.parseAsync(['exec', 'web', 'ls', '-l', '--json', '/'], { from: 'user' });
  assert.deepEqual(seen, ['ls', '-l', '--json', '/']);
});

test('a flag of serve sets one field of the configuration, each another', () => {
  assert.equal(new Set(SERVE_FLAGS.map(([, field]) => field)).size, SERVE_FLAGS.length);
  const serve = buildProgram().commands.find((command) => command.name() === 'serve');
  const known = serve?.options.map(({ flags }) => flags) ?? [];
  for (const [flag] of SERVE_FLAGS) assert.ok(known.includes(flag), flag);
});
