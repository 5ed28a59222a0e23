import { Counter, exposition, Gauge, Histogram, labelText, type MetricFamily } from "../stdx/metric-families.ts";

/** One request that has come to its end. `verb` as in upstream: "GET", "LIST", "WATCH", "POST", "PUT", "PATCH", "APPLY", "DELETE", … */
export interface RequestMeasured {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
  readonly dryRun: string;
  readonly code: number;
  readonly durationMs: number;
  /** Of the answer. */
  readonly bytes?: number;
  readonly method: string;
  readonly userAgent: string;
  /** The release in which the version that was asked for will be gone, "" for one that is not told; undefined for a version that is not deprecated. */
  readonly deprecated?: string | undefined;
}

const durationLimits = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];
const kindOfMethod = (method: string): string => (method === "GET" || method === "HEAD" ? 'request_kind="readOnly"' : 'request_kind="mutating"');

interface RequestLabels {
  /** Those before and after the one that names the client. */
  readonly before: string;
  readonly after: string;
  readonly withDryRun: string;
  readonly where: string;
}
const labelsMax = 5_000;

/** Upstream tells apart which of its own components ask. */
const systemClients: ReadonlySet<string> = new Set(["kube-apiserver", "kube-controller-manager", "kube-scheduler", "cluster-policy-controller"]);
const bytesVerbs: ReadonlySet<string> = new Set(["GET", "LIST"]);

/** What monitoring asks of an API server, under upstream's names and labels (apiserver/pkg/endpoints/metrics, apiserver/pkg/storage/etcd3/metrics). */
export class Metrics {
  readonly #labels = new Map<string, RequestLabels>();
  readonly #requests = new Counter({ name: "apiserver_request_total", help: "Requests that were answered." });
  readonly #durations = new Histogram({ name: "apiserver_request_duration_seconds", help: "How long requests took.", limits: durationLimits });
  readonly #ownDurations = new Histogram({ name: "apiserver_request_sli_duration_seconds", help: "How long requests took that changed or read something for good.", limits: durationLimits.slice(2) });
  readonly #sizes = new Histogram({ name: "apiserver_response_sizes", help: "Bytes of answers to those who read.", limits: [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] });
  readonly #inFlight = new Gauge({ name: "apiserver_current_inflight_requests", help: "Requests that are worked on." });
  readonly #longRunning = new Gauge({ name: "apiserver_longrunning_requests", help: "Watches that are open." });
  readonly #deprecated = new Gauge({ name: "apiserver_requested_deprecated_apis", help: "Deprecated versions that somebody has asked for." });
  readonly #store = new Histogram({ name: "etcd_request_duration_seconds", help: "How long the store took.", limits: durationLimits });
  readonly #storeRequests = new Counter({ name: "etcd_requests_total", help: "What the store was asked to do." });
  readonly #storeErrors = new Counter({ name: "etcd_request_errors_total", help: "What the store could not do." });

  begin(method: string): void {
    this.#inFlight.add(kindOfMethod(method), 1);
  }

  end(request: RequestMeasured): void {
    this.#inFlight.add(kindOfMethod(request.method), -1);
    const { verb, group, version, resource, subresource, dryRun, code, bytes, userAgent, deprecated } = request;
    const labels = this.#labelsOf(request);
    const slash = userAgent.indexOf("/");
    const client = slash < 0 ? "" : userAgent.slice(0, slash);
    this.#requests.add(`code="${code}",${labels.before},system_client="${systemClients.has(client) ? client : ""}",${labels.after}`);
    if (deprecated !== undefined) this.#deprecated.set(labelText({ group, removed_release: deprecated, resource, subresource, version }), 1);
    if (verb === "WATCH") return;
    const seconds = request.durationMs / 1000;
    this.#durations.observe(labels.withDryRun, seconds);
    if (dryRun === "") this.#ownDurations.observe(labels.where, seconds);
    if (bytes !== undefined && bytesVerbs.has(verb)) this.#sizes.observe(labels.where, bytes);
  }

  /** Requests of one kind share their labels; putting them together costs more than counting. */
  #labelsOf({ verb, group, version, resource, subresource, scope, dryRun }: RequestMeasured): RequestLabels {
    const key = `${verb} ${group} ${version} ${resource} ${subresource} ${scope} ${dryRun}`;
    const known = this.#labels.get(key);
    if (known) return known;
    // In the order of their names, as Prometheus' libraries write them.
    const [what, after] = [labelText({ group, resource, scope, subresource }), labelText({ verb, version })];
    const before = `component="apiserver",dry_run="${dryRun}",${what}`;
    const labels = { before, after, withDryRun: `${before},${after}`, where: `component="apiserver",${what},${after}` };
    if (this.#labels.size < labelsMax) this.#labels.set(key, labels);
    return labels;
  }

  watching({ group, version, resource, scope }: Pick<RequestMeasured, "group" | "version" | "resource" | "scope">, change: 1 | -1): void {
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
