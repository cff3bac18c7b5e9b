import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { formatReference, parseReference } from '../../../runtime/images/reference.js';
import { accepted, fuzzed } from '../../support/fuzz.js';

/** The grammar of github.com/distribution/reference once more, as one expression: what it does not match is refused. */
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const HOST = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const GRAMMAR = new RegExp(
  `^(?:${HOST}/)?${COMPONENT}(?:/${COMPONENT})*(?::\\w[\\w.-]{0,127})?` +
    '(?:@(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}))?$',
);

const host = fc.oneof(
  fc.constantFrom(
    '',
    'localhost/',
    'docker.io/',
    'index.docker.io/',
    'Team/',
    '[::1]:5000/',
    'a-b.example:1/',
    'x_y.z/',
  ),
  fc.stringMatching(/^[a-zA-Z0-9.-]{1,12}(:[0-9]{1,5})?\/$/),
);
const repository = fc.stringMatching(/^[a-z0-9]{1,9}([._-]{1,2}[a-z0-9]{1,9}){0,2}(\/[a-z0-9_]{1,9}){0,3}$/);
const tag = fc.oneof(fc.constant(''), fc.stringMatching(/^:[\w.-]{0,130}$/));
const hex = (size: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: size, maxLength: size });
const digest = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  hex(64).map((text) => `@sha256:${text}`),
  hex(128).map((text) => `@sha512:${text}`),
  hex(63).map((text) => `@sha256:${text}`),
);
const sound = fc
  .tuple(
    fc.constantFrom('', 'localhost/', 'docker.io/', 'index.docker.io/', 'Team/', '[::1]:5000/', 'a-b.example:1/'),
    fc.stringMatching(/^[a-z0-9]{1,9}((\.|_|__|--?)[a-z0-9]{1,9}){0,2}(\/[a-z0-9]{1,9}){0,3}$/),
    fc.oneof(fc.constant(''), fc.stringMatching(/^:\w[\w.-]{0,127}$/)),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('') },
      hex(64).map((text) => `@sha256:${text}`),
    ),
  )
  .map((parts) => parts.join(''));
const likely = fc.tuple(host, repository, tag, digest).map((parts) => parts.join(''));
/** One character of a likely reference replaced, removed or added. */
const broken = fc
  .tuple(likely, fc.nat(), fc.constantFrom(0, 1), fc.string({ maxLength: 1 }))
  .map(([text, position, gone, added]) => {
    const at = position % (text.length + 1);
    return text.slice(0, at) + added + text.slice(at + gone);
  });
const texts = fc.oneof(
  { weight: 5, arbitrary: sound },
  { weight: 4, arbitrary: likely },
  { weight: 3, arbitrary: broken },
  fc.string({ unit: fc.constantFrom(...'abAB09.:/@_-[]'), maxLength: 40 }),
  fc.string({ maxLength: 600 }),
  hex(64),
);

it(
  'any text is refused with INVALID_ARGUMENT or has a canonical form that is its own',
  fuzzed(texts, (text) => {
    const reference = accepted(['INVALID_ARGUMENT'], () => parseReference(text));
    assert.match(text, GRAMMAR, 'only what the grammar has is accepted');
    const canonical = formatReference(reference);
    assert.deepEqual(parseReference(canonical), reference);
    assert.equal(formatReference(parseReference(canonical)), canonical);
  }),
);

it(
  'every reference of the grammar has is accepted',
  fuzzed(likely, (text) => {
    const [first = '', ...rest] = text.split('/');
    // A first part that looks like a host and is none could only be a repository of no registry.
    const noHost = rest.length > 0 && /[.:A-Z]/.test(first) && !new RegExp(`^${HOST}$`).test(first);
    if (!GRAMMAR.test(text) || noHost) return;
    assert.ok(formatReference(parseReference(text)).length >= text.replace('index.', '').length);
  }),
);
