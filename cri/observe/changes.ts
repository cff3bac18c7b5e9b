/** Which calls change something: what is done for them alone can be undone when none has come for a while. */

import type { CallObserver } from '../call.js';

/** Kubelets ask these every second. */
const LOOKS = /^(List|Stream|Get|Version|RuntimeConfig|ImageFsInfo)|(Status|Stats)$/;

/** Calls `changed` at the end of each call that does not only look. */
export function onChange(changed: () => void): CallObserver {
  return async ({ method }, run) => {
    try {
      return await run();
    } finally {
      if (!LOOKS.test(method)) changed();
    }
  };
}
