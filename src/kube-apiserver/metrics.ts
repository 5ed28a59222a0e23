/** Values that others keep, by name and then by labels. */
export type Gauges = Readonly<Record<string, { readonly help: string; readonly type?: "gauge" | "counter"; readonly values: Readonly<Record<string, number>> }>>;

/** Counters and histograms in the text form of Prometheus, under upstream's names. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #durations = new Map<string, { count: number; sum: number; readonly buckets: number[] }>();
  readonly #watches = new Map<string, number>();
  #inflight = 0;

  begin(): void {
    this.#inflight++;
  }

  /** `verb` as in upstream: "GET", "LIST", "WATCH", "POST", "PUT", "PATCH", "DELETE", … */
  end(labels: { readonly verb: string; readonly group: string; readonly version: string; readonly resource: string; readonly subresource: string; readonly scope: string; readonly dryRun: string; readonly code: number; readonly durationMs: number }): void {
    this.#inflight--;
    const where = `component="apiserver",dry_run="${labels.dryRun}",group=${quoted(labels.group)},resource=${quoted(labels.resource)},scope="${labels.scope}",subresource=${quoted(labels.subresource)},verb="${labels.verb}",version=${quoted(labels.version)}`;
    const counter = `code="${labels.code}",${where}`;
    if (this.#requests.size < seriesMax || this.#requests.has(counter)) this.#requests.set(counter, (this.#requests.get(counter) ?? 0) + 1);
    if (labels.verb === "WATCH") return;
    let histogram = this.#durations.get(where);
    if (!histogram) {
      if (this.#durations.size >= seriesMax) return;
      this.#durations.set(where, (histogram = { count: 0, sum: 0, buckets: bucketSeconds.map(() => 0) }));
    }
    const seconds = labels.durationMs / 1000;
    histogram.count++;
    histogram.sum += seconds;
    for (let at = bucketSeconds.length - 1; at >= 0 && seconds <= (bucketSeconds[at] ?? 0); at--) histogram.buckets[at] = (histogram.buckets[at] ?? 0) + 1;
  }

  watching(resource: string, change: 1 | -1): void {
    this.#watches.set(resource, (this.#watches.get(resource) ?? 0) + change);
  }

  text(gauges: Gauges): string {
    const lines = [
      "# HELP apiserver_request_total [STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
      "# TYPE apiserver_request_total counter",
      ...[...this.#requests].map(([labels, value]) => `apiserver_request_total{${labels}} ${value}`),
      "# HELP apiserver_current_inflight_requests [STABLE] Maximal number of currently used inflight request limit of this apiserver per request kind in last second.",
      "# TYPE apiserver_current_inflight_requests gauge",
      `apiserver_current_inflight_requests{request_kind="all"} ${this.#inflight}`,
      "# HELP apiserver_registered_watchers Number of currently registered watchers for a given resource.",
      "# TYPE apiserver_registered_watchers gauge",
      ...[...this.#watches].map(([resource, value]) => `apiserver_registered_watchers{resource="${resource}"} ${value}`),
      "# HELP apiserver_request_duration_seconds [STABLE] Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
      "# TYPE apiserver_request_duration_seconds histogram",
      ...[...this.#durations].flatMap(([labels, { count, sum, buckets }]) => [
        ...bucketSeconds.map((le, at) => `apiserver_request_duration_seconds_bucket{${labels},le="${le}"} ${buckets[at] ?? 0}`),
        `apiserver_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}`,
        `apiserver_request_duration_seconds_sum{${labels}} ${sum}`,
        `apiserver_request_duration_seconds_count{${labels}} ${count}`,
      ]),
    ];
    for (const [name, { help, type = "gauge", values }] of Object.entries(gauges)) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...Object.entries(values).map(([labels, value]) => `${name}${labels === "" ? "" : `{${labels}}`} ${value}`));
    }
    return `${lines.join("\n")}\n`;
  }
}

/** Paths may hold anything; the text form of Prometheus escapes these three. */
const quoted = (value: string): string => `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

/** So many different combinations of labels are counted; more would be somebody inventing resources. */
const seriesMax = 5_000;
const bucketSeconds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
