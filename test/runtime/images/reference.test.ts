import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CribError } from '../../../runtime/errors.js';
import {
  digestReference,
  formatReference,
  isDigest,
  parseReference,
  tagReference,
} from '../../../runtime/images/reference.js';

const SHA256 = `sha256:${'a1'.repeat(32)}`;
const SHA512 = `sha512:${'b2'.repeat(64)}`;

test('references are normalised', () => {
  const cases: readonly (readonly [given: string, canonical: string])[] = [
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36'],
    ['team/app', 'docker.io/team/app:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['index.docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
    ['registry.example/a/b__c/d-e--f', 'registry.example/a/b__c/d-e--f:latest'],
    ['Team/app', 'Team/app:latest'],
    ['[::1]:5000/app', '[::1]:5000/app:latest'],
    [`busybox@${SHA256}`, `docker.io/library/busybox@${SHA256}`],
    [`busybox:1@${SHA512}`, `docker.io/library/busybox:1@${SHA512}`],
  ];
  for (const [given, canonical] of cases) assert.equal(formatReference(parseReference(given)), canonical);
});

test('bad references are refused with the reason', () => {
  const cases: readonly (readonly [given: string, reason: RegExp])[] = [
    ['', /empty/],
    ['a'.repeat(64), /64 hexadecimal/],
    ['Busybox', /lower case/],
    ['localhost/App', /lower case/],
    ['a//b', /empty/],
    ['/a', /not a registry host|empty/],
    ['a/', /empty/],
    ['a..b', /separated/],
    ['a:', /tag is empty/],
    ['a:.x', /not a tag/],
    [`a:${'t'.repeat(129)}`, /longer than 128/],
    [`r.io/${'a'.repeat(251)}`, /longer than 255/],
    ['a@md5:abc', /neither sha256/],
    ['a@sha256:abc', /64 lower-case/],
    [`a@${SHA256.toUpperCase()}`, /digest/],
    ['a@__proto__:x', /neither sha256/],
    [`a@${SHA256}@${SHA256}`, /64 lower-case/],
    ['exa_mple.com/a', /not a registry host/],
    ['a b', /separated/],
    ['a:b\n', /not a tag/],
  ];
  for (const [given, reason] of cases) {
    assert.throws(
      () => parseReference(given),
      (error) => error instanceof CribError && error.code === 'INVALID_ARGUMENT' && reason.test(error.message),
      given,
    );
  }
});

test('names by tag and by digest', () => {
  const reference = parseReference('busybox');
  assert.equal(tagReference(reference), 'docker.io/library/busybox:latest');
  assert.equal(digestReference(reference, SHA256), `docker.io/library/busybox@${SHA256}`);
  assert.equal(tagReference(parseReference(`busybox@${SHA256}`)), undefined);
  assert.ok(isDigest(SHA512) && !isDigest('latest'));
});
