/** Calls that later work fills in. `docs/api.md` lists them; a test holds the list equal. */

import { CribError } from '../../runtime/errors.js';

/** A call that answers UNIMPLEMENTED. */
export function unimplemented(name: string): () => Promise<never> {
  return async () => {
    throw notYet(name);
  };
}

/** A stream that ends with UNIMPLEMENTED. */
export function unimplementedStream(name: string): () => AsyncGenerator<never> {
  // biome-ignore lint/correctness/useYield: it fails before there is anything to yield
  return async function* () {
    throw notYet(name);
  };
}

function notYet(name: string): CribError {
  return new CribError('UNIMPLEMENTED', `${name} is not implemented by this version of crib`);
}
