import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Link } from '../../../runtime/keeper/link.js';

test('a keeper that dies before its hello is no uncaught error but UNAVAILABLE', async () => {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'crib-link-'));
  // What was sent and not read when a socket is closed makes the other side's read fail with ECONNRESET (unix(7)).
  const server = net.createServer({ pauseOnConnect: true }, (socket) => setTimeout(() => socket.destroy(), 50));
  await new Promise<void>((resolve) => server.listen(path.join(state, 'keeper.sock'), resolve));
  try {
    for (let times = 0; times < 3; times++) {
      const opening = Link.open(
        state,
        () => undefined,
        () => undefined,
      );
      await assert.rejects(opening, { code: 'UNAVAILABLE' });
    }
  } finally {
    server.close();
    fs.rmSync(state, { recursive: true });
  }
});
