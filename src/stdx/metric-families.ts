/** Counters, gauges and histograms in the text form of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). Values of labels come as one text, made by `labelText`. */

/** All lines of one metric, comments included. */
export interface MetricFamily {
  lines(): readonly string[];
}

export interface FamilyOptions {
  readonly name: string;
  readonly help: string;
  /** More combinations of labels than this are not counted: somebody is inventing them. */
  readonly seriesMax?: number;
}
const seriesMaxByDefault = 5_000;

const head = ({ name, help }: FamilyOptions, type: "counter" | "gauge" | "histogram"): readonly string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
const line = (name: string, labels: string, value: number): string => `${name}${labels === "" ? "" : `{${labels}}`} ${value}`;

/** `a="x",b="y"`; in text the format escapes backslashes, quotes and line breaks. */
export const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels).map(([name, value]) => `${name}="${/["\\\n]/.test(value) ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : value}"`).join(",");

class Series<T> {
  readonly #options: FamilyOptions;
  readonly all = new Map<string, T>();

  constructor(options: FamilyOptions) {
    this.#options = options;
  }

  /** What is made for one combination too many counts as the others do, but nobody is told of it. */
  of(labels: string, make: () => T): T {
    let found = this.all.get(labels);
    if (found === undefined) {
      found = make();
      if (this.all.size < (this.#options.seriesMax ?? seriesMaxByDefault)) this.all.set(labels, found);
    }
    return found;
  }
}

/** One combination of labels, to be kept by whoever counts often. */
export interface CountedSeries {
  value: number;
}

export class Counter implements MetricFamily {
  readonly #options: FamilyOptions;
  readonly #series: Series<CountedSeries>;

  constructor(options: FamilyOptions) {
    this.#options = options;
    this.#series = new Series(options);
  }

  series(labels: string): CountedSeries {
    return this.#series.of(labels, () => ({ value: 0 }));
  }

  add(labels: string, value = 1): void {
    this.series(labels).value += value;
  }

  lines(): readonly string[] {
    return [...head(this.#options, "counter"), ...[...this.#series.all].map(([labels, { value }]) => line(this.#options.name, labels, value))];
  }
}

/** What goes up and down. */
export class Gauge implements MetricFamily {
  readonly #options: FamilyOptions;
  readonly #series: Series<{ value: number }>;

  constructor(options: FamilyOptions) {
    this.#options = options;
    this.#series = new Series(options);
  }

  set(labels: string, value: number): void {
    this.#series.of(labels, () => ({ value })).value = value;
  }

  add(labels: string, change: number): void {
    this.#series.of(labels, () => ({ value: 0 })).value += change;
  }

  lines(): readonly string[] {
    return [...head(this.#options, "gauge"), ...[...this.#series.all].map(([labels, { value }]) => line(this.#options.name, labels, value))];
  }
}

/** What is looked up when somebody asks. */
export const observed = (type: "counter" | "gauge", options: FamilyOptions, values: () => Readonly<Record<string, number>>): MetricFamily => ({
  lines: () => [...head(options, type), ...Object.entries(values()).map(([labels, value]) => line(options.name, labels, value))],
});

/** One combination of labels of a histogram, to be kept by whoever measures often. */
export class ObservedSeries {
  readonly #limits: readonly number[];
  count = 0;
  sum = 0;
  /** How many fell into each bucket and into none before it. */
  readonly buckets: number[];

  constructor(limits: readonly number[]) {
    this.#limits = limits;
    this.buckets = limits.map(() => 0);
  }

  observe(value: number): void {
    this.count++;
    this.sum += value;
    for (let at = 0; at < this.#limits.length; at++) {
      if (value > (this.#limits[at] ?? 0)) continue;
      this.buckets[at] = (this.buckets[at] ?? 0) + 1;
      return;
    }
  }
}

export class Histogram implements MetricFamily {
  readonly #options: FamilyOptions;
  readonly #limits: readonly number[];
  readonly #series: Series<ObservedSeries>;

  /** `limits` are the upper ends of the buckets, in order. */
  constructor(options: FamilyOptions & { readonly limits: readonly number[] }) {
    this.#options = options;
    this.#limits = options.limits;
    this.#series = new Series(options);
  }

  series(labels: string): ObservedSeries {
    return this.#series.of(labels, () => new ObservedSeries(this.#limits));
  }

  observe(labels: string, value: number): void {
    this.series(labels).observe(value);
  }

  lines(): readonly string[] {
    const { name } = this.#options;
    return [...head(this.#options, "histogram"), ...[...this.#series.all].flatMap(([labels, { count, sum, buckets }]) => {
      const all = labels === "" ? "" : `${labels},`;
      let below = 0;
      return [
        ...buckets.map((inside, at) => `${name}_bucket{${all}le="${this.#limits[at] ?? 0}"} ${(below += inside)}`),
        `${name}_bucket{${all}le="+Inf"} ${count}`, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count),
      ];
    })];
  }
}

export const exposition = (families: readonly MetricFamily[]): string => `${families.flatMap((family) => family.lines()).join("\n")}\n`;
