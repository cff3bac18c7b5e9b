import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { CLONE } from '../../../runtime/linux/constants.js';
import { inThread } from './thread.js';

test('loopback of a new network namespace is down, then up, and that of this one is not touched', async () => {
  const here = os.networkInterfaces().lo?.length;
  const [before, after] = await inThread<[string[], string[]]>(`
    const { unshare } = await linux('namespaces');
    const { setLoopbackUp } = await linux('interfaces');
    const os = await import('node:os');
    unshare(${CLONE.NEWNET});
    const addresses = () => (os.networkInterfaces().lo ?? []).map(({ address }) => address);
    const before = addresses();
    setLoopbackUp();
    setLoopbackUp();
    return [before, addresses()];
  `);
  assert.deepEqual(before, []);
  assert.ok(after.includes('127.0.0.1'), after.join());
  assert.equal(os.networkInterfaces().lo?.length, here);
});
