/** What the root container's shell does to the copies of volumes: as the kubelet on the host (atomic_writer.go). */

import { COPIES } from './mount-hints.js';

/** busybox is the only program there; its shell finds its own applets. */
export const BUSYBOX = '/bin/busybox';

export interface Swap {
  /** Directory of the copy in the root container. */
  readonly target: string;
  readonly dated: string;
  readonly keys: readonly string[];
}

/**
 * The new tree arrives as a tar on stdin and is complete before the one rename that shows it; then links of new keys,
 * and what is left of earlier trees goes. A link to a key that is gone dangles.
 */
const SWAP = `set -e
b=${BUSYBOX}
swap() {
  cd "$1"; dated=$2; shift 2
  $b ln -sfn "$dated" ..data_tmp
  $b mv -T ..data_tmp ..data
  for key; do [ -L "$key" ] || $b ln -s "..data/$key" "$key"; done
  for there in * .[!.]* ..?*; do
    if [ "$there" = ..data ] || [ "$there" = "$dated" ]; then continue; fi
    if [ -L "$there" ]; then [ -e "$there" ] || $b rm -f "$there"
    elif [ -d "$there" ]; then $b rm -rf "$there"; fi
  done
}
$b tar -x -p -f - -C ${COPIES}
`;

export function swapScript(swaps: readonly Swap[]): string {
  const calls = swaps.map(({ target, dated, keys }) => ['swap', target, dated, ...keys].map(quoted).join(' '));
  return `${SWAP}${calls.join('\n')}\n`;
}

/** Prints the dated directory that each copy shows, one a line; an empty line for a copy that shows none. */
export function shownScript(targets: readonly string[]): string {
  return targets.map((target) => `echo "$(${BUSYBOX} readlink ${quoted(`${target}/..data`)})"`).join('\n');
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
