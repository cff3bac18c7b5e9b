/**
 * Addresses of one subnet, given in turn, so that one just released is not given again while others remember it. Which
 * are taken is not its own knowledge: the records say.
 */

import { CribError } from '../../../runtime/errors.js';
import { type Address, formatAddress, parseAddress, type Subnet } from '../addresses.js';

export class AddressAllocator {
  readonly #subnet: Subnet;
  readonly #first: bigint;
  readonly #last: bigint;
  #next: bigint;

  /** Throws INVALID_ARGUMENT for a subnet without room for the gateway and a pod. */
  constructor(subnet: Subnet) {
    this.#subnet = subnet;
    // The first address is the network's (IPv6: the routers' anycast, RFC 4291 2.6.1), the second the gateway's.
    this.#first = subnet.base + 2n;
    this.#last = subnet.base + subnet.size - (subnet.family === 4 ? 2n : 1n);
    if (this.#last < this.#first) {
      throw new CribError('INVALID_ARGUMENT', `subnet ${this.#text()}: too small for a gateway and a pod`);
    }
    this.#next = this.#first;
  }

  get gateway(): Address {
    return { family: this.#subnet.family, value: this.#subnet.base + 1n };
  }

  get prefix(): number {
    return this.#subnet.prefix;
  }

  /** Continues after the highest of `taken`. */
  resume(taken: ReadonlySet<string>): void {
    for (const text of taken) {
      const address = parseAddress(text);
      if (address === undefined || address.family !== this.#subnet.family) continue;
      const { value } = address;
      if (value >= this.#next && value < this.#last) this.#next = value + 1n;
    }
  }

  /** The next that is not in `taken`. Throws RESOURCE_EXHAUSTED. */
  take(taken: ReadonlySet<string>): Address {
    // Of taken.size + 1 different addresses one is free.
    for (let tries = 0; tries <= taken.size; tries++) {
      const candidate = { family: this.#subnet.family, value: this.#next };
      this.#next = this.#next === this.#last ? this.#first : this.#next + 1n;
      if (!taken.has(formatAddress(candidate))) return candidate;
      if (BigInt(tries) > this.#last - this.#first) break;
    }
    const room = this.#last - this.#first + 1n;
    throw new CribError(
      'RESOURCE_EXHAUSTED',
      `subnet ${this.#text()}: all ${room} addresses are given to pods; remove pods or configure a larger subnet`,
    );
  }

  #text(): string {
    const { family, base, prefix } = this.#subnet;
    return `${formatAddress({ family, value: base })}/${prefix}`;
  }
}
