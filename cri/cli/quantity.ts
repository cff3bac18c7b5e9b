/** Kubernetes quantities (apimachinery, resource.Quantity): `100m`, `1.5Gi`, `2e3`. */

import { CribError } from '../../runtime/errors.js';

const FACTORS: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
};

/** In units, rounded up to a whole one. `field` is named in the INVALID_ARGUMENT that anything else throws. */
export function parseQuantity(text: string, field: string): number {
  return parse(text, 1n, field);
}

/** CPU in millicores, rounded up. */
export function parseCpu(text: string, field: string): number {
  return parse(text, 1000n, field);
}

/** Times `scale`, rounded up. In whole numbers: `4.03M` as a binary fraction is more than 4,030,000. */
function parse(text: string, scale: bigint, field: string): number {
  const match = /^(?=\.?\d)(\d{0,20})(?:\.(\d{0,20}))?(?:e(\d{1,2}))?([a-zA-Z]{0,2})$/.exec(text);
  const [, whole = '', fraction = '', exponent = '0', suffix = ''] = match ?? [];
  const factor = suffix === 'm' ? 1n : FACTORS[suffix];
  if (match === null || factor === undefined) {
    throw new CribError(
      'INVALID_ARGUMENT',
      `${field}: ${JSON.stringify(text)} is not a quantity like 100m, 64Mi or 1.5Gi`,
    );
  }
  const value = BigInt(whole + fraction) * 10n ** BigInt(exponent) * factor * scale;
  const divisor = 10n ** BigInt(fraction.length) * (suffix === 'm' ? 1000n : 1n);
  return Number((value + divisor - 1n) / divisor);
}
