/** Messages of lists that a kubelet asks for every second: each is encoded once for as long as nothing changes in it. */

import { type DeepPartial, encodedMessage, type MessageCodec } from '../api/wire.js';

/**
 * `translate`, whose result is encoded and kept as long as its view is. A view is of one state of its object (a changed
 * one has another view), so nothing else has to be invalidated; `translate` may look at nothing but the view.
 */
export function encodedOnce<View extends object, T>(
  codec: MessageCodec<T>,
  translate: (view: View) => DeepPartial<T>,
): (view: View) => DeepPartial<T> {
  const kept = new WeakMap<View, DeepPartial<T>>();
  return (view) => {
    const known = kept.get(view);
    if (known !== undefined) return known;
    const message = encodedMessage(codec, translate(view));
    kept.set(view, message);
    return message;
  };
}
