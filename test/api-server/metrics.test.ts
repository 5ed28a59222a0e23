/** The names, labels and types that dashboards and alerts for upstream's API server rest on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestServer } from "./fixture.ts";

test("metrics are told under upstream's names", async () => {
  await using started = await startTestServer();
  const ask = async (method: "GET" | "POST" | "PATCH", path: string, body?: string, headers: Record<string, string> = {}): Promise<string> => {
    using response = await started.http.raw({ method, path, headers: { "content-type": "application/json", "user-agent": "kube-scheduler/v1.36", ...headers }, ...(body !== undefined && { body }) });
    return await response.text();
  };
  const maps = "/api/v1/namespaces/default/configmaps";
  await ask("POST", maps, '{"metadata":{"name":"a"}}');
  await ask("POST", `${maps}?dryRun=All`, '{"metadata":{"name":"b"}}');
  await ask("PATCH", `${maps}/a?fieldManager=me`, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}', { "content-type": "application/apply-patch+yaml" });
  await ask("GET", maps);
  await ask("GET", "/api/v1/namespaces/default/endpoints");
  using watching = await started.http.raw({ method: "GET", path: `${maps}?watch=true` });
  assert.equal(watching.status, 200);
  const text = await ask("GET", "/metrics");

  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  for (const [name, type] of [
    ["apiserver_request_total", "counter"], ["apiserver_request_duration_seconds", "histogram"], ["apiserver_request_sli_duration_seconds", "histogram"], ["apiserver_response_sizes", "histogram"],
    ["apiserver_current_inflight_requests", "gauge"], ["apiserver_longrunning_requests", "gauge"], ["apiserver_requested_deprecated_apis", "gauge"], ["apiserver_storage_objects", "gauge"],
    ["apiserver_resource_objects", "gauge"], ["etcd_request_duration_seconds", "histogram"], ["etcd_requests_total", "counter"], ["kubernetes_build_info", "gauge"],
    ["process_cpu_seconds_total", "counter"], ["process_open_fds", "gauge"], ["process_max_fds", "gauge"], ["process_resident_memory_bytes", "gauge"], ["process_virtual_memory_bytes", "gauge"],
    ["process_start_time_seconds", "gauge"],
  ] as const) assert.equal(types.get(name), type, name);
  const where = (verb: string, scope: string) => `group="",resource="configmaps",scope="${scope}",subresource="",verb="${verb}",version="v1"`;
  const counted = (code: number, dryRun: string, verb: string) => `apiserver_request_total{code="${code}",component="apiserver",dry_run="${dryRun}",group="",resource="configmaps",scope="resource",subresource="",system_client="kube-scheduler",verb="${verb}",version="v1"} 1`;
  for (const line of [
    counted(201, "", "POST"), counted(201, "All", "POST"), counted(200, "", "APPLY"),
    `apiserver_request_duration_seconds_count{component="apiserver",dry_run="",${where("LIST", "namespace")}} 1`,
    `apiserver_request_sli_duration_seconds_count{component="apiserver",${where("POST", "resource")}} 1`,
    `apiserver_response_sizes_bucket{component="apiserver",${where("LIST", "namespace")},le="1000000"} 1`,
    `apiserver_longrunning_requests{component="apiserver",${where("WATCH", "namespace")}} 1`,
    'apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1',
    'apiserver_current_inflight_requests{request_kind="mutating"} 0', 'apiserver_current_inflight_requests{request_kind="readOnly"} 1',
    'apiserver_storage_objects{resource="configmaps"} ', 'apiserver_resource_objects{group="rbac.authorization.k8s.io",resource="clusterroles"} ', 'etcd_requests_total{group="",operation="create",resource="configmaps"} ',
  ]) assert.ok(text.includes(`\n${line}`), `${line}\n${text.split("\n").filter((each) => each.startsWith(line.split("{")[0] ?? "")).slice(0, 12).join("\n")}`);
});
