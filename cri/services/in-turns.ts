/** Long lists are translated and encoded entry by entry, in turns with everything else. */

import { inTurn } from '../../runtime/turns.js';
import { type DeepPartial, encodedMessage, type MessageCodec } from '../api/wire.js';

/** The messages of `views`, encoded, in their order. */
export function encodedInTurns<View, T>(
  views: readonly View[],
  codec: MessageCodec<T>,
  translate: (view: View) => DeepPartial<T>,
): Promise<DeepPartial<T>[]> {
  return Promise.all(views.map((view) => encodedInTurn(view, codec, translate)));
}

export function encodedInTurn<View, T>(
  view: View,
  codec: MessageCodec<T>,
  translate: (view: View) => DeepPartial<T>,
): Promise<DeepPartial<T>> {
  return inTurn(() => encodedMessage(codec, translate(view)));
}
