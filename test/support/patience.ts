/**
 * How many times longer than on a real machine tests wait before they give up: for one whose processor is emulated
 * (test/guest). What is waited for is the same.
 */
export const PATIENCE = Math.max(1, Number(process.env.CRIB_TEST_PATIENCE) || 1);
