import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics, type RequestLabels } from "./metrics.ts";

const labels: RequestLabels = { verb: "GET", group: "apps", version: "v1", resource: "deployments", subresource: "", scope: "resource", dryRun: "" };
const linesOf = (metrics: Metrics, start: string): string[] => metrics.text([]).split("\n").filter((line) => line.startsWith(start));

test("requests are counted by what they have in common, and measured", () => {
  const metrics = new Metrics({ removedRelease: (group, version) => (group === "old" && version === "v1beta1" ? "1.38" : undefined) });
  const request = (given: Partial<RequestLabels>, code = 200, userAgent = "") => {
    metrics.begin("GET");
    metrics.end({ ...labels, ...given }, { method: "GET", code, durationMs: 30, bytes: 1_500, userAgent });
  };
  for (let i = 0; i < 3; i++) request({});
  request({}, 404);
  request({}, 200, "kube-scheduler/v1.36.0 (linux)");
  request({}, 200, "somebody/1");
  request({ verb: "WATCH", scope: "namespace" });
  request({ verb: "POST", dryRun: "All" });
  request({ group: "old", version: "v1beta1" });

  const where = 'component="apiserver",group="apps",resource="deployments",scope="resource",subresource=""';
  assert.deepEqual(linesOf(metrics, "apiserver_request_total").slice(0, 3), [
    'apiserver_request_total{code="200",component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",system_client="",verb="GET",version="v1"} 4',
    'apiserver_request_total{code="404",component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",system_client="",verb="GET",version="v1"} 1',
    'apiserver_request_total{code="200",component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",system_client="kube-scheduler",verb="GET",version="v1"} 1',
  ]);
  // Codes and clients are one in how long they took.
  assert.deepEqual(linesOf(metrics, `apiserver_request_sli_duration_seconds_count{${where},verb="GET"`), [`apiserver_request_sli_duration_seconds_count{${where},verb="GET",version="v1"} 6`]);
  assert.ok(linesOf(metrics, "apiserver_request_duration_seconds_bucket").some((line) => line.includes('dry_run="All"') && line.includes('le="0.05"} 1')));
  assert.equal(linesOf(metrics, "apiserver_request_sli_duration_seconds").some((line) => line.includes('verb="POST"')), false, "a dry run is not counted among what was done for good");
  assert.equal(linesOf(metrics, "apiserver_request_duration_seconds").some((line) => line.includes('verb="WATCH"')), false);
  assert.deepEqual(linesOf(metrics, "apiserver_response_sizes_sum{component").filter((line) => line.includes('group="apps"')), [`apiserver_response_sizes_sum{${where},verb="GET",version="v1"} 9000`]);
  assert.deepEqual(linesOf(metrics, "apiserver_requested_deprecated_apis{"), ['apiserver_requested_deprecated_apis{group="old",removed_release="1.38",resource="deployments",subresource="",version="v1beta1"} 1']);
});

test("what is worked on", () => {
  const metrics = new Metrics();
  for (const method of ["GET", "HEAD", "POST"]) metrics.begin(method);
  assert.deepEqual(linesOf(metrics, "apiserver_current_inflight_requests{"), ['apiserver_current_inflight_requests{request_kind="mutating"} 1', 'apiserver_current_inflight_requests{request_kind="readOnly"} 2']);
  metrics.end(labels, { method: "HEAD", code: 200, durationMs: 1, bytes: 0, userAgent: "" });
  assert.deepEqual(linesOf(metrics, 'apiserver_current_inflight_requests{request_kind="readOnly"}'), ['apiserver_current_inflight_requests{request_kind="readOnly"} 1']);
});
