import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosePlatform } from '../../../../runtime/images/registry/platform.js';
import type { Descriptor } from '../../../../runtime/images/registry-types.js';

function manifest(name: string): Descriptor {
  const [os = '', architecture = '', variant] = name.split('/');
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  return { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: name, size: 1, platform };
}

function choose(wanted: string, ...offered: string[]): string {
  const { platform } = manifest(wanted);
  assert.ok(platform);
  return choosePlatform(offered.map(manifest), platform).digest;
}

test('the exact platform goes first, then what the CPU also runs', () => {
  assert.equal(choose('linux/amd64', 'linux/386', 'linux/arm64', 'linux/amd64'), 'linux/amd64');
  assert.equal(choose('linux/amd64', 'linux/386'), 'linux/386');
  assert.equal(choose('linux/amd64/v3', 'linux/amd64', 'linux/amd64/v2'), 'linux/amd64/v2');
  assert.equal(choose('linux/arm64', 'linux/arm/v7', 'linux/arm64/v8'), 'linux/arm64/v8');
  assert.equal(choose('linux/arm/v7', 'linux/arm/v5', 'linux/arm/v6'), 'linux/arm/v6');
  assert.equal(choose('linux/arm64', 'linux/arm/v6', 'linux/arm/v7'), 'linux/arm/v7');
});

test('attestations are ignored, and the error lists what is offered', () => {
  assert.throws(
    () => choose('linux/s390x', 'unknown/unknown', 'linux/amd64', 'linux/arm/v7'),
    /no manifest for linux\/s390x; it offers linux\/amd64, linux\/arm\/v7$/,
  );
});
