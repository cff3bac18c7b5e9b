/** Calls that later work fills in. `docs/api.md` lists them; a test holds the list equal. */

import { CribError } from '../../runtime/errors.js';

/** A call that answers UNIMPLEMENTED. */
export function unimplemented(name: string): () => Promise<never> {
  return async () => {
    throw notYet(name);
  };
}

function notYet(name: string): CribError {
  return new CribError('UNIMPLEMENTED', `${name} is not implemented by this version of crib`);
}
