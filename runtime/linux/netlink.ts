/**
 * rtnetlink(7): requests to the kernel about interfaces, addresses and routes, without a process. A socket belongs for
 * life to the network namespace in which it was made, so a namespace is entered for that one call only.
 */

import fs from 'node:fs';
import koffi from 'koffi';
import { CLONE } from './constants.js';
import { bind, SyscallError } from './libc.js';
import { setNamespace } from './namespaces.js';

const socketCall = bind('socket', 'int socket(int domain, int type, int protocol)');
const recvCall = bind('recv', 'long recv(int fd, _Out_ void *buffer, size_t length, int flags)');

type SendAsync = (
  fd: number,
  data: Buffer,
  length: number,
  flags: number,
  done: (e: unknown, n: number) => void,
) => void;
let sendAsync: SendAsync | undefined;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 0x80003;
const MSG_DONTWAIT = 0x40;
const NLMSG_ERROR = 2;
const HEADER = 16;
const RECEIVE_BYTES = 65536;

/** Flags of a request (netlink(7)); NLM_F_REQUEST and NLM_F_ACK are added. */
export const NLM_F = { REPLACE: 0x100, EXCL: 0x200, CREATE: 0x400 } as const;

export interface NetlinkMessage {
  /** RTM_*. */
  readonly type: number;
  /** NLM_F.*. */
  readonly flags: number;
  readonly body: Buffer;
  /** What it attempts and on what, for the error. */
  readonly what: string;
}

/** What the kernel answered to one message: data messages, and errno (0: done). */
export interface NetlinkAnswer {
  readonly errno: number;
  readonly data: readonly Buffer[];
}

export class NetlinkSocket {
  readonly #fd: number;
  #sequence = 0;

  /** A socket in the caller's network namespace, or in the one pinned at `netns`. To be closed. */
  constructor(netns?: string) {
    const open = () => socketCall([AF_NETLINK, SOCK_RAW_CLOEXEC, 0], 'AF_NETLINK');
    this.#fd = netns === undefined ? open() : inNamespace(netns, open);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  /**
   * Sends all messages with one system call and throws SyscallError for the first that the kernel refused, unless its
   * errno is in `tolerated`. The kernel goes on after a refused one. One call at a time on a socket.
   */
  async request(messages: readonly NetlinkMessage[], tolerated: readonly number[] = []): Promise<void> {
    const answers = await this.ask(messages);
    for (const [index, { errno }] of answers.entries()) {
      if (errno === 0 || tolerated.includes(errno)) continue;
      throw new SyscallError('rtnetlink', errno, messages[index]?.what ?? '');
    }
  }

  /** Sends all messages; the answers in their order. The send runs off the event loop: it waits for the RTNL lock. */
  async ask(messages: readonly NetlinkMessage[]): Promise<NetlinkAnswer[]> {
    const first = this.#sequence + 1;
    const parts = messages.map((message) => encode(message, ++this.#sequence));
    const sent = await send(this.#fd, Buffer.concat(parts));
    if (sent < 0) throw new Error(`rtnetlink ${messages[0]?.what ?? ''}: the kernel did not take the request`);
    return this.#receive(first, messages.length);
  }

  /** The kernel answers within the send, so nothing is waited for; without an answer recv throws EAGAIN. */
  #receive(first: number, count: number): NetlinkAnswer[] {
    const answers = Array.from({ length: count }, () => ({ errno: 0, data: [] as Buffer[] }));
    let open = count;
    while (open > 0) {
      const buffer = Buffer.alloc(RECEIVE_BYTES);
      const length = recvCall([this.#fd, buffer, buffer.length, MSG_DONTWAIT], 'AF_NETLINK');
      for (let at = 0; at + HEADER <= length; ) {
        const size = buffer.readUInt32LE(at);
        if (size < HEADER || at + size > length) break;
        const answer = answers[buffer.readUInt32LE(at + 8) - first];
        if (buffer.readUInt16LE(at + 4) !== NLMSG_ERROR) answer?.data.push(buffer.subarray(at + HEADER, at + size));
        else if (answer !== undefined) {
          answer.errno = Math.abs(buffer.readInt32LE(at + HEADER)); // it is negative, and must not be -0
          open--;
        }
        at += align(size);
      }
    }
    return answers;
  }
}

/** Synchronous from end to end: nothing else may run on this thread while it is in the other namespace. */
function inNamespace<T>(path: string, operation: () => T): T {
  const home = fs.openSync('/proc/thread-self/ns/net', 'r');
  try {
    const target = fs.openSync(path, 'r');
    try {
      setNamespace(target, CLONE.NEWNET);
      return operation();
    } finally {
      fs.closeSync(target);
      returnTo(home);
    }
  } finally {
    fs.closeSync(home);
  }
}

/** A daemon stuck in a pod's namespace would configure the wrong host: it ends instead. */
function returnTo(home: number): void {
  try {
    setNamespace(home, CLONE.NEWNET);
  } catch (error) {
    process.stderr.write(`cannot return to the network namespace of the host: ${String(error)}\n`);
    process.abort();
  }
}

function send(fd: number, data: Buffer): Promise<number> {
  sendAsync ??= koffi.load('libc.so.6').func('long send(int fd, void *data, size_t length, int flags)')
    .async as unknown as SendAsync;
  const call = sendAsync;
  return new Promise((resolve, reject) => {
    // `data` is held by the closure until the call is over.
    call(fd, data, data.length, 0, (error, result) =>
      error ? reject(error) : resolve(data.length > 0 ? Number(result) : 0),
    );
  });
}

function encode(message: NetlinkMessage, sequence: number): Buffer {
  const buffer = Buffer.alloc(align(HEADER + message.body.length));
  buffer.writeUInt32LE(HEADER + message.body.length, 0);
  buffer.writeUInt16LE(message.type, 4);
  buffer.writeUInt16LE(message.flags | 1 | 4, 6);
  buffer.writeUInt32LE(sequence, 8);
  message.body.copy(buffer, HEADER);
  return buffer;
}

/** A struct rtattr with its padding. */
export function attribute(type: number, payload: Buffer): Buffer {
  const buffer = Buffer.alloc(align(4 + payload.length));
  buffer.writeUInt16LE(4 + payload.length, 0);
  buffer.writeUInt16LE(type, 2);
  payload.copy(buffer, 4);
  return buffer;
}

/** An attribute that holds attributes. */
export function nested(type: number, ...attributes: readonly Buffer[]): Buffer {
  return attribute(type, Buffer.concat(attributes));
}

/** An attribute with a NUL-terminated string. */
export function stringAttribute(type: number, value: string): Buffer {
  return attribute(type, Buffer.from(`${value}\0`));
}

/** An attribute with a 32-bit number. */
export function numberAttribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value >>> 0);
  return attribute(type, payload);
}

/** The attributes in `buffer`, by type; of two of a type the last. */
export function parseAttributes(buffer: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= buffer.length; ) {
    const size = buffer.readUInt16LE(at);
    if (size < 4 || at + size > buffer.length) break;
    found.set(buffer.readUInt16LE(at + 2) & 0x3fff, buffer.subarray(at + 4, at + size));
    at += align(size);
  }
  return found;
}

function align(length: number): number {
  return (length + 3) & ~3;
}
