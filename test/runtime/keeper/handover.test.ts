import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import {
  closeDescriptors,
  descriptorsOf,
  HANDOVER_VERSION,
  type Handover,
  takeHandover,
  writeHandover,
} from '../../../runtime/keeper/handover.js';
import { F, FD_CLOEXEC } from '../../../runtime/linux/constants.js';
import { fcntl } from '../../../runtime/linux/files.js';
import { memoryFile, setCloseOnExec } from '../../../runtime/linux/programs.js';

const openHere = () => fs.readdirSync('/proc/self/fd').length;
const opened = () => fs.openSync('/dev/null', 'r');
const closesOnExec = (fd: number) => (fcntl(fd, F.GETFD) & FD_CLOEXEC) !== 0;

function fileOf(text: string): number {
  const fd = memoryFile('crib-test');
  fs.writeSync(fd, text);
  return fd;
}

/** One of everything that a handover can hold. */
function complete(fd: () => number): Handover {
  const memory = { stdout: 'YQ==', stderr: '', exit: undefined, watcher: 7 };
  const pipe = () => ({ fd: fd(), left: 5 });
  return {
    version: HANDOVER_VERSION,
    containers: [
      {
        id: 'whole',
        descriptors: { pidfd: fd(), stdin: fd(), stdout: fd(), stderr: fd() },
        memory: { ...memory, log: { fd: fd(), waiting: 'x'.repeat(3_000_000), dropped: 1 } },
      },
      {
        id: 'tty',
        descriptors: { terminal: fd() },
        memory: { ...memory, log: { fd: undefined, waiting: '', dropped: 0 } },
      },
      { id: 'dead', descriptors: {} },
    ],
    keeper: {
      lock: fd(),
      listener: fd(),
      connections: [
        {
          ...{ socket: fd(), greeted: true, upgrading: false, unread: '', hold: fd() },
          lasting: [
            { kind: 'session', id: 1, pid: 2, innerKill: undefined },
            { kind: 'attach', id: 2, container: 'whole', pipes: { stdin: fd(), stdout: fd() } },
            {
              kind: 'exec',
              ...{ id: 3, pid: 4, pidFile: '', innerKill: undefined, deadline: 0, stdout: pipe(), stderr: undefined },
            },
          ],
        },
        { socket: fd(), greeted: false, upgrading: true, unread: '', hold: undefined, lasting: [] },
      ],
    },
  };
}

test('what is handed over arrives whole, every descriptor is found, and no program inherits it further', () => {
  const before = openHere();
  const made: number[] = [];
  const handover = complete(() => {
    const fd = opened();
    setCloseOnExec(fd, false);
    made.push(fd);
    return fd;
  });
  const taken = takeHandover(writeHandover(handover));
  assert.deepEqual(taken, JSON.parse(JSON.stringify(handover)));
  assert.deepEqual(descriptorsOf(taken).sort(), [...made].sort());
  assert.ok(made.every(closesOnExec));
  closeDescriptors(taken.containers[0]?.descriptors ?? {});
  for (const fd of made.slice(4)) fs.closeSync(fd);
  assert.equal(openHere(), before, 'the memory file is closed');
});

test('what is none is refused, and closed all the same', () => {
  const before = openHere();
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '7',
    JSON.stringify({ version: HANDOVER_VERSION + 1, containers: [] }),
    JSON.stringify({ version: String(HANDOVER_VERSION), containers: [] }),
    JSON.stringify({ version: HANDOVER_VERSION }),
    JSON.stringify({ version: HANDOVER_VERSION, containers: {} }),
  ]) {
    assert.throws(() => takeHandover(fileOf(text)), Error, text);
  }
  const names = JSON.stringify({
    version: HANDOVER_VERSION,
    containers: [{ id: 'c', descriptors: { stdin: 1_000_000 } }],
  });
  assert.throws(() => takeHandover(fileOf(names)), { code: 'EBADF' });
  assert.equal(openHere(), before);
});
