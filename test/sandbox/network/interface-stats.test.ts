import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { parseInterfaceStats, readInterfaceStats } from '../../../sandbox/network/interface-stats.js';

import { command, namespace } from './support.js';

describe('interface statistics', () => {
  it('are taken from the right columns, eth0 first, without loopback', () => {
    const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  net1:     1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
  eth0:12345678901       2    3    0    0     0          0         0      4       5    6    0    0     0       0          0
`;
    assert.deepEqual(parseInterfaceStats(text), [
      {
        name: 'eth0',
        ...{ rxBytes: 12_345_678_901, rxPackets: 2, rxErrors: 3, rxDropped: 0 },
        ...{ txBytes: 4, txPackets: 5, txErrors: 6, txDropped: 0 },
      },
      {
        name: 'net1',
        ...{ rxBytes: 1, rxPackets: 2, rxErrors: 3, rxDropped: 4 },
        ...{ txBytes: 9, txPackets: 10, txErrors: 11, txDropped: 12 },
      },
    ]);
  });

  it('are those of the network namespace of the process, and none of one that is gone', async (t) => {
    const netns = await namespace(t);
    const child = spawn('nsenter', [`--net=${netns}`, 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
    t.after(() => child.kill('SIGKILL'));
    const { pid } = child;
    assert.ok(pid !== undefined);
    child.stdin.write('x');
    await new Promise((resolve) => child.stdout.once('data', resolve));
    assert.deepEqual(await readInterfaceStats(pid), []);
    await command('nsenter', `--net=${netns}`, 'ip', 'link', 'add', 'br7', 'type', 'bridge');
    assert.deepEqual(
      (await readInterfaceStats(pid)).map(({ name }) => name),
      ['br7'],
    );
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    assert.deepEqual(await readInterfaceStats(pid), []);
  });
});
