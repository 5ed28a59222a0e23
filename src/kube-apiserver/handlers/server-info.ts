import type { ClusterState } from "../cluster-state.ts";
import type { DiscoveryGroupVersion } from "../discovery/discovery.ts";
import type { Gauges, Metrics } from "../metrics.ts";
import type { Route } from "./routes.ts";

/** The release of Kubernetes that this server is interchangeable with; clients decide by it what they may ask for. */
export const version = {
  major: "1", minor: "36", emulationMajor: "1", emulationMinor: "36", minCompatibilityMajor: "1", minCompatibilityMinor: "35",
  gitVersion: "v1.36.4", gitCommit: "0000000000000000000000000000000000000000", gitTreeState: "clean", buildDate: "2026-11-21T00:00:00Z",
  goVersion: "go1.26", compiler: "gc", platform: `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`,
};

const paths = (groupVersions: readonly DiscoveryGroupVersion[]): readonly string[] => [
  "/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/",
  ...new Set(groupVersions.filter(({ group }) => group !== "").flatMap(({ group, version: each }) => [`/apis/${group}`, `/apis/${group}/${each}`])),
  "/debug/steps", "/healthz", "/healthz/etcd", "/healthz/ping", "/livez", "/livez/etcd", "/livez/ping", "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/",
  "/openid/v1/jwks", "/readyz", "/readyz/etcd", "/readyz/ping", "/readyz/shutdown", "/version",
];

interface InfoOptions {
  readonly metrics: Metrics;
  readonly state: ClusterState;
  readonly groupVersions: readonly DiscoveryGroupVersion[];
  /** Of parts that not every server has. */
  readonly gauges?: () => Gauges;
}

export function infoRoutes({ metrics, state, groupVersions, gauges }: InfoOptions): Readonly<Record<string, Route>> {
  return {
    "/": () => ({ is: "bytes", code: 200, contentType: "application/json", body: JSON.stringify({ paths: [...paths(groupVersions)].sort() }, undefined, 2) }),
    "/version": () => ({ is: "bytes", code: 200, contentType: "application/json", body: JSON.stringify(version, undefined, 2) }),
    "/metrics": () => ({
      is: "bytes", code: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
      body: metrics.text({
        apiserver_storage_objects: { help: "[STABLE] Number of stored objects at the time of last check split by kind.", values: state.counts() },
        process_resident_memory_bytes: { help: "Resident memory size in bytes.", values: { "": process.memoryUsage.rss() } },
        ...gauges?.(),
      }),
    }),
  };
}
