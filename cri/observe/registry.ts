/** Metrics in memory, and their text as Prometheus reads it (exposition format 0.0.4). */

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly lines: () => Promise<readonly string[]> | readonly string[];
}

/** Seconds: from a status that is in memory to a pull that takes minutes. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export interface Counter {
  add(labels: Labels, by?: number): void;
}

export interface Histogram {
  observe(labels: Labels, seconds: number): void;
}

export class Registry {
  readonly #families: Family[] = [];

  counter(name: string, help: string): Counter {
    const values = new Map<string, number>();
    this.#families.push({
      name,
      help,
      type: 'counter',
      lines: () => [...values].map(([labels, value]) => `${name}${labels} ${value}`),
    });
    return {
      add: (labels, by = 1) => {
        const key = labelText(labels);
        values.set(key, (values.get(key) ?? 0) + by);
      },
    };
  }

  /** `read` is asked at each scrape. */
  sampled(
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    read: () => readonly Sample[] | Promise<readonly Sample[]>,
  ): void {
    const line = ({ labels, value }: Sample) => `${name}${labelText(labels)} ${value}`;
    this.#families.push({ name, help, type, lines: async () => (await read()).map(line) });
  }

  /** Of seconds. */
  histogram(name: string, help: string): Histogram {
    const series = new Map<string, { readonly labels: Labels; readonly counts: number[]; sum: number }>();
    const lines = () => [...series.values()].flatMap((entry) => histogramLines(name, entry));
    this.#families.push({ name, help, type: 'histogram', lines });
    return {
      observe: (labels, seconds) => {
        const key = labelText(labels);
        let entry = series.get(key);
        if (entry === undefined) {
          entry = { labels, counts: new Array<number>(BUCKETS.length + 1).fill(0), sum: 0 };
          series.set(key, entry);
        }
        const bucket = BUCKETS.findIndex((bound) => seconds <= bound);
        const index = bucket === -1 ? BUCKETS.length : bucket;
        entry.counts[index] = (entry.counts[index] ?? 0) + 1;
        entry.sum += seconds;
      },
    };
  }

  async text(): Promise<string> {
    const parts = await Promise.all(
      this.#families.map(async ({ name, help, type, lines }) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...(await lines()),
      ]),
    );
    return `${parts.flat().join('\n')}\n`;
  }
}

function histogramLines(
  name: string,
  entry: { readonly labels: Labels; readonly counts: readonly number[]; readonly sum: number },
): string[] {
  let total = 0;
  const buckets = [...BUCKETS.map(String), '+Inf'].map((le, index) => {
    total += entry.counts[index] ?? 0;
    return `${name}_bucket${labelText({ ...entry.labels, le })} ${total}`;
  });
  const labels = labelText(entry.labels);
  return [...buckets, `${name}_sum${labels} ${entry.sum}`, `${name}_count${labels} ${total}`];
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}
