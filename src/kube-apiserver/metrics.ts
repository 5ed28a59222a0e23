import { Counter, exposition, Gauge, Histogram, labelText, observed, type CountedSeries, type MetricFamily, type ObservedSeries } from "../stdx/metric-families.ts";

/** What requests have in common that are counted together. `verb` as in upstream: "GET", "LIST", "WATCH", "POST", "PUT", "PATCH", "APPLY", "DELETE", … */
export interface RequestLabels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
  readonly dryRun: string;
}

/** One request that has come to its end. */
export interface RequestMeasured {
  readonly method: string;
  readonly code: number;
  readonly durationMs: number;
  /** Of the answer. */
  readonly bytes: number;
  readonly userAgent: string;
}

export interface MetricsOptions {
  /** The release in which a version will be gone that is served, "" where it is not told; undefined for a version that is not deprecated. */
  removedRelease?(group: string, version: string, resource: string): string | undefined;
}

const durationLimits = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const isReading = (method: string): boolean => method === "GET" || method === "HEAD";

/** Where one kind of request is counted: found by one look, so that measuring costs less than what is measured. */
interface RequestSeries {
  readonly requests: CountedSeries;
  /** Undefined for watches, which last as long as their clients like. */
  readonly durations?: ObservedSeries;
  /** Of what changed or read something for good. */
  readonly ownDurations?: ObservedSeries;
  readonly sizes?: ObservedSeries;
}
const requestSeriesMax = 10_000;
const nowhere: RequestSeries = { requests: { value: 0 } };

/** Upstream tells apart which of its own components ask. */
const systemClients: ReadonlySet<string> = new Set(["kube-apiserver", "kube-controller-manager", "kube-scheduler", "cluster-policy-controller"]);
const bytesVerbs: ReadonlySet<string> = new Set(["GET", "LIST"]);

function systemClientOf(userAgent: string): string {
  const slash = userAgent.indexOf("/");
  const client = slash < 0 ? "" : userAgent.slice(0, slash);
  return systemClients.has(client) ? client : "";
}

/** What monitoring asks of an API server, under upstream's names and labels (apiserver/pkg/endpoints/metrics, apiserver/pkg/storage/etcd3/metrics). */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #series = new Map<string, RequestSeries>();
  readonly #requests = new Counter({ name: "apiserver_request_total", help: "Requests that were answered." });
  readonly #durations = new Histogram({ name: "apiserver_request_duration_seconds", help: "How long requests took.", limits: durationLimits });
  readonly #ownDurations = new Histogram({ name: "apiserver_request_sli_duration_seconds", help: "How long requests took that changed or read something for good.", limits: durationLimits.slice(2) });
  readonly #sizes = new Histogram({ name: "apiserver_response_sizes", help: "Bytes of answers to those who read.", limits: [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] });
  #reading = 0;
  #changing = 0;
  readonly #inFlight = observed("gauge", { name: "apiserver_current_inflight_requests", help: "Requests that are worked on." }, () => ({
    'request_kind="mutating"': this.#changing, 'request_kind="readOnly"': this.#reading,
  }));
  readonly #longRunning = new Gauge({ name: "apiserver_longrunning_requests", help: "Watches that are open." });
  readonly #deprecated = new Gauge({ name: "apiserver_requested_deprecated_apis", help: "Deprecated versions that somebody has asked for." });
  readonly #store = new Histogram({ name: "etcd_request_duration_seconds", help: "How long the store took.", limits: durationLimits });
  readonly #storeRequests = new Counter({ name: "etcd_requests_total", help: "What the store was asked to do." });
  readonly #storeErrors = new Counter({ name: "etcd_request_errors_total", help: "What the store could not do." });

  constructor(options: MetricsOptions = {}) {
    this.#options = options;
  }

  begin(method: string): void {
    if (isReading(method)) this.#reading++;
    else this.#changing++;
  }

  end(labels: RequestLabels, { method, code, durationMs, bytes, userAgent }: RequestMeasured): void {
    if (isReading(method)) this.#reading--;
    else this.#changing--;
    const { requests, durations, ownDurations, sizes } = this.#seriesOf(labels, code, systemClientOf(userAgent));
    requests.value++;
    durations?.observe(durationMs / 1000);
    ownDurations?.observe(durationMs / 1000);
    sizes?.observe(bytes);
  }

  #seriesOf(labels: RequestLabels, code: number, client: string): RequestSeries {
    const { verb, group, version, resource, subresource, scope, dryRun } = labels;
    const key = `${verb} ${code} ${resource} ${subresource} ${group} ${version} ${scope} ${dryRun} ${client}`;
    const known = this.#series.get(key);
    if (known) return known;
    if (this.#series.size >= requestSeriesMax) return nowhere;
    const series = this.#newSeries(labels, code, client);
    this.#series.set(key, series);
    return series;
  }

  #newSeries({ verb, group, version, resource, subresource, scope, dryRun }: RequestLabels, code: number, client: string): RequestSeries {
    // In the order of their names, as Prometheus' libraries write them.
    const [what, after] = [labelText({ group, resource, scope, subresource }), labelText({ verb, version })];
    const before = `component="apiserver",dry_run="${dryRun}",${what}`;
    const where = `component="apiserver",${what},${after}`;
    const removed = resource === "" ? undefined : this.#options.removedRelease?.(group, version, resource);
    if (removed !== undefined) this.#deprecated.set(labelText({ group, removed_release: removed, resource, subresource, version }), 1);
    const requests = this.#requests.series(`code="${code}",${before},system_client="${client}",${after}`);
    if (verb === "WATCH") return { requests };
    return {
      requests, durations: this.#durations.series(`${before},${after}`),
      ...(dryRun === "" && { ownDurations: this.#ownDurations.series(where) }), ...(bytesVerbs.has(verb) && { sizes: this.#sizes.series(where) }),
    };
  }

  watching({ group, version, resource, scope }: Pick<RequestLabels, "group" | "version" | "resource" | "scope">, change: 1 | -1): void {
    this.#longRunning.add(labelText({ component: "apiserver", group, resource, scope, subresource: "", verb: "WATCH", version }), change);
  }

  /** `operation` as upstream names what it asks etcd for: "get", "list", "create", "update", "delete", … */
  stored({ operation, group, resource, durationMs, failed }: { readonly operation: string; readonly group: string; readonly resource: string; readonly durationMs: number; readonly failed: boolean }): void {
    // Resources and operations are the server's own words: nothing in them needs escaping.
    const labels = `group="${group}",operation="${operation}",resource="${resource}"`;
    this.#store.observe(labels, durationMs / 1000);
    this.#storeRequests.add(labels);
    if (failed) this.#storeErrors.add(labels);
  }

  text(more: readonly MetricFamily[]): string {
    return exposition([
      this.#requests, this.#durations, this.#ownDurations, this.#sizes, this.#inFlight, this.#longRunning, this.#deprecated, this.#store, this.#storeRequests, this.#storeErrors, ...more,
    ]);
  }
}
