/** How a metric is defined: its descriptor and its values in one place, so that they cannot differ. */

import type { CgroupDetails, CgroupStats } from '../../../runtime/cgroups/types.js';
import type { FilesystemUsage } from '../../../runtime/images/types.js';
import type { ProcessUsage } from '../../../sandbox/process-usage.js';
import type { ContainerView, FilesystemView, InterfaceStats } from '../../../sandbox/types.js';

/** What a pod or a container has been measured to have; values of a metric exist where their sources do. */
export interface MetricSource {
  readonly stats?: CgroupStats | undefined;
  readonly details?: CgroupDetails | undefined;
  readonly interfaces?: readonly InterfaceStats[];
  readonly container?: ContainerView;
  readonly writableLayer?: FilesystemUsage | undefined;
  readonly filesystem?: FilesystemView | undefined;
  readonly processes?: ProcessUsage;
}

export interface MetricValue {
  readonly value: number | bigint;
  /** One for each of the definition's own label keys, in their order. */
  readonly labels: readonly string[];
}

export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** Beside those that every metric has. */
  readonly labelKeys: readonly string[];
  readonly values: (source: MetricSource) => readonly MetricValue[];
}

type Number_ = number | bigint | undefined;

const NONE: readonly MetricValue[] = [];
const NO_LABELS: readonly string[] = [];

/** A metric with one value, or none where `value` is undefined. */
function single(
  type: MetricDefinition['type'],
  name: string,
  help: string,
  value: (source: MetricSource) => Number_,
): MetricDefinition {
  return {
    name,
    help,
    type,
    labelKeys: NO_LABELS,
    values: (source) => {
      const found = value(source);
      return found === undefined ? NONE : [{ value: found, labels: NO_LABELS }];
    },
  };
}

export function counter(name: string, help: string, value: (source: MetricSource) => Number_): MetricDefinition {
  return single('counter', name, help, value);
}

export function gauge(name: string, help: string, value: (source: MetricSource) => Number_): MetricDefinition {
  return single('gauge', name, help, value);
}

/** A metric with a value for each `item`; `labels` has one for each of `labelKeys`. */
export function counterPer<Item>(definition: {
  readonly name: string;
  readonly help: string;
  readonly labelKeys: readonly string[];
  readonly items: (source: MetricSource) => readonly Item[];
  readonly value: (item: Item) => number | bigint;
  readonly labels: (item: Item) => readonly string[];
  readonly type?: MetricDefinition['type'];
}): MetricDefinition {
  const { name, help, labelKeys, items, value, labels, type = 'counter' } = definition;
  return {
    name,
    help,
    type,
    labelKeys,
    values: (source) => items(source).map((item) => ({ value: value(item), labels: labels(item) })),
  };
}

const SECOND_NS = 1_000_000_000n;

/** The CRI's values are whole numbers, so seconds are too. */
export function seconds(nanoseconds: bigint | undefined): bigint | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / SECOND_NS;
}
