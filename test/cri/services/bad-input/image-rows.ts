/** Requests about images that are well-formed and make no sense. */

import type { Message } from './requests.js';
import type { Answer, Row } from './row.js';

const row = (
  call: string,
  what: string,
  request: Message,
  names: string,
  answer: Answer = 'INVALID_ARGUMENT',
): Row => ({
  call,
  what,
  request: () => request,
  names,
  answer,
});

const NO_REFERENCE = { image: { image: 'Not A Reference' } };

export const IMAGE_ROWS: readonly Row[] = [
  ...['ImageStatus', 'PullImage', 'RemoveImage'].flatMap((call) => [
    row(call, 'no image', {}, 'image'),
    row(call, 'an image without a name', { image: {} }, 'image.image'),
    row(call, 'a name of 10 MB', { image: { image: 'x'.repeat(10 * 1024 * 1024) } }, 'image.image'),
    row(
      call,
      'annotations of 10 MB',
      { image: { image: 'a', annotations: { a: 'x'.repeat(10 * 1024 * 1024) } } },
      'image.annotations',
    ),
  ]),
  row('PullImage', 'a name that is no reference', NO_REFERENCE, 'image.image'),
  row('PullImage', 'a digest that is none', { image: { image: 'localhost/a@sha256:123' } }, 'image.image'),
  // No image has such a name: it is not there, which is no error for these.
  row('RemoveImage', 'a name that is no reference', NO_REFERENCE, '', 'OK'),
  row('ImageStatus', 'a name that is no reference', NO_REFERENCE, '', 'OK'),
  row('ListImages', 'a name that is no reference', { filter: NO_REFERENCE }, '', 'OK'),
  row('StreamImages', 'a name that is no reference', { filter: NO_REFERENCE }, '', 'OK'),
];
