/** Our protos say the same as the upstream Go module: names, numbers, types, labels, JSON names, methods. */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import protobuf from 'protobufjs';
import { API_FOLDER } from '../../../cri/api/generator/main.js';
import { jsonName, nestedEnums, PACKAGE, readProtos } from '../../../cri/api/generator/protos.js';

const run = promisify(execFile);
const PROGRAM = path.join(API_FOLDER, '../../test/conformance/api');

function typeOf(field: protobuf.Field): string {
  const type = field.resolvedType === null ? field.type : field.resolvedType.fullName.slice(1);
  return field instanceof protobuf.MapField ? `${field.keyType},${type}` : type;
}

function labelOf(field: protobuf.Field): string {
  if (field instanceof protobuf.MapField) return 'map';
  if (field.repeated) return 'repeated';
  return field.partOf === null ? 'optional' : 'presence';
}

function describeField(field: protobuf.Field) {
  const { deprecated, debug_redact: redacted } = field.options ?? {};
  return {
    number: field.id,
    type: typeOf(field),
    label: labelOf(field),
    jsonName: jsonName(field.name),
    deprecated: deprecated === true,
    redacted: redacted === true,
  };
}

/** Ours, in the shape that the Go program prints. */
function describe() {
  const files = readProtos(API_FOLDER);
  const messages = files.flatMap((file) => file.messages);
  const enums = new Set(files.flatMap((file) => [...file.enums, ...file.messages.flatMap(nestedEnums)]));
  return {
    package: PACKAGE,
    messages: Object.fromEntries(
      messages.map((message) => [
        message.fullName.slice(1),
        Object.fromEntries(message.fieldsArray.map((field) => [field.name, describeField(field)])),
      ]),
    ),
    enums: Object.fromEntries([...enums].map((object) => [object.fullName.slice(1), { ...object.values }])),
    services: Object.fromEntries(
      files
        .flatMap((file) => file.services)
        .map((service) => [
          service.fullName.slice(1),
          Object.fromEntries(
            service.methodsArray.map((method) => [
              method.name,
              {
                request: `${PACKAGE}.${method.requestType}`,
                response: `${PACKAGE}.${method.responseType}`,
                requestStream: method.requestStream === true,
                responseStream: method.responseStream === true,
              },
            ]),
          ),
        ]),
    ),
  };
}

test('the counts of calls are those of cri-api v0.36.0', () => {
  const { services } = describe();
  assert.equal(Object.keys(services['runtime.v1.RuntimeService'] ?? {}).length, 35);
  assert.equal(Object.keys(services['runtime.v1.ImageService'] ?? {}).length, 6);
});

test('descriptors are those of k8s.io/cri-api v0.36.0', { timeout: 300_000 }, async (t) => {
  if (spawnSync('go', ['version'], { timeout: 10_000 }).status !== 0) {
    t.skip('go is not on PATH: the upstream descriptors were NOT compared');
    return;
  }
  const { stdout } = await run('go', ['run', '.'], { cwd: PROGRAM, timeout: 280_000, maxBuffer: 16 << 20 });
  const upstream: unknown = JSON.parse(stdout);
  assert.deepEqual(JSON.parse(JSON.stringify(describe())), upstream);
});
