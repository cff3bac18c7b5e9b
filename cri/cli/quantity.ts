/** Kubernetes quantities (apimachinery, resource.Quantity): `100m`, `1.5Gi`, `2e3`. */

import { CribError } from '../../runtime/errors.js';

const FACTORS: Readonly<Record<string, number>> = {
  m: 0.001,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** In units, rounded up to a whole one. `field` is named in the INVALID_ARGUMENT that anything else throws. */
export function parseQuantity(text: string, field: string): number {
  return Math.ceil(parse(text, field));
}

/** CPU in millicores, rounded up. */
export function parseCpu(text: string, field: string): number {
  return Math.ceil(parse(text, field) * 1000 - 1e-9);
}

function parse(text: string, field: string): number {
  const match = /^(\d+(?:\.\d*)?|\.\d+)(?:e(\d{1,2}))?([a-zA-Z]{0,2})$/.exec(text);
  const factor = FACTORS[match?.[3] ?? ''];
  const value = Number(match?.[1]) * 10 ** Number(match?.[2] ?? 0) * (factor ?? Number.NaN);
  if (!Number.isFinite(value)) {
    throw new CribError(
      'INVALID_ARGUMENT',
      `${field}: ${JSON.stringify(text)} is not a quantity like 100m, 64Mi or 1.5Gi`,
    );
  }
  return value;
}
