import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Churn } from './churn.js';

/** The big run is `npm run churn`. */
const OPTIONS = {
  pods: 8,
  parallel: 4,
  kills: 5,
  keeperKills: 2,
  bothKills: 1,
  pullKills: 1,
  seed: 20,
  flat: false,
  keep: false,
};

test('pods come and go, cribd is killed meanwhile, nothing is lost and nothing is left', async () => {
  const said: string[] = [];
  const churn = new Churn(OPTIONS, (line) => said.push(line));
  try {
    const { phases, failures } = await churn.run();
    assert.deepEqual([...phases.flatMap((phase) => phase.failures), ...failures], [], said.join('\n'));
    assert.deepEqual(
      phases.map(({ name, kills }) => [name, kills]),
      [
        ['plain', 0],
        ['cribd', OPTIONS.kills],
        ['pull', OPTIONS.pullKills],
        ['keeper', OPTIONS.keeperKills],
        ['both', OPTIONS.bothKills],
      ],
    );
    assert.ok(phases.every(({ name, pods }) => name === 'pull' || pods >= OPTIONS.pods));
  } finally {
    await churn.cleanUp(false);
  }
});
