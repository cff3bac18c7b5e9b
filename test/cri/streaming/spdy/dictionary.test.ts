import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { DICTIONARY, DICTIONARY_ID } from '../../../../cri/streaming/spdy/dictionary.js';

test('the dictionary is the one of SPDY/3: its checksum stands in a header that zlib writes', () => {
  assert.equal(DICTIONARY.length, 1423);
  assert.equal(zlib.deflateSync('', { dictionary: DICTIONARY }).readUInt32BE(2), DICTIONARY_ID);
});
