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

  of(labels: string, make: () => T): T | undefined {
    let found = this.all.get(labels);
    if (found === undefined && this.all.size < (this.#options.seriesMax ?? seriesMaxByDefault)) this.all.set(labels, (found = make()));
    return found;
  }
}

export class Counter implements MetricFamily {
  readonly #options: FamilyOptions;
  readonly #series: Series<{ value: number }>;

  constructor(options: FamilyOptions) {
    this.#options = options;
    this.#series = new Series(options);
  }

  add(labels: string, value = 1): void {
    const series = this.#series.of(labels, () => ({ value: 0 }));
    if (series) series.value += value;
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
    const series = this.#series.of(labels, () => ({ value }));
    if (series) series.value = value;
  }

  add(labels: string, change: number): void {
    const series = this.#series.of(labels, () => ({ value: 0 }));
    if (series) series.value += change;
  }

  lines(): readonly string[] {
    return [...head(this.#options, "gauge"), ...[...this.#series.all].map(([labels, { value }]) => line(this.#options.name, labels, value))];
  }
}

/** What is looked up when somebody asks. */
export const observed = (type: "counter" | "gauge", options: FamilyOptions, values: () => Readonly<Record<string, number>>): MetricFamily => ({
  lines: () => [...head(options, type), ...Object.entries(values()).map(([labels, value]) => line(options.name, labels, value))],
});

interface Distribution {
  count: number;
  sum: number;
  /** How many fell into each bucket and into none before it. */
  readonly buckets: number[];
}

export class Histogram implements MetricFamily {
  readonly #options: FamilyOptions;
  readonly #limits: readonly number[];
  readonly #series: Series<Distribution>;

  /** `limits` are the upper ends of the buckets, in order. */
  constructor(options: FamilyOptions & { readonly limits: readonly number[] }) {
    this.#options = options;
    this.#limits = options.limits;
    this.#series = new Series(options);
  }

  observe(labels: string, value: number): void {
    const series = this.#series.of(labels, () => ({ count: 0, sum: 0, buckets: this.#limits.map(() => 0) }));
    if (!series) return;
    series.count++;
    series.sum += value;
    const at = this.#limits.findIndex((limit) => value <= limit);
    if (at >= 0) series.buckets[at] = (series.buckets[at] ?? 0) + 1;
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
