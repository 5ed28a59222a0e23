import type { ClusterState } from "../cache/cluster-state.ts";
import type { DiscoveryGroupVersion } from "../discovery/discovery.ts";
import { labelText, observed, type MetricFamily } from "../../stdx/metric-families.ts";
import type { Metrics } from "../metrics.ts";
import { processMetrics } from "../process-metrics.ts";
import type { Route } from "./routes.ts";

/** The release of Kubernetes that this server is interchangeable with; clients decide by it what they may ask for. */
export const version = {
  major: "1", minor: "36", emulationMajor: "1", emulationMinor: "36", minCompatibilityMajor: "1", minCompatibilityMinor: "35",
  gitVersion: "v1.36.4", gitCommit: "0000000000000000000000000000000000000000", gitTreeState: "clean", buildDate: "2026-11-21T00:00:00Z",
  goVersion: "go1.26", compiler: "gc", platform: `linux/${process.arch === "arm64" ? "arm64" : "amd64"}`,
};

const paths = (groupVersions: readonly DiscoveryGroupVersion[]): readonly string[] => [
  "/api", "/api/v1", "/apis", "/apis/", "/metrics", "/openapi/v3/", "/version",
  ...groupVersions.filter(({ group }) => group !== "").flatMap(({ group, version: each }) => [`/apis/${group}`, `/apis/${group}/${each}`]),
];

const buildMetric = observed("gauge", { name: "kubernetes_build_info", help: "Always 1; the labels say what this server is." }, () => ({
  [labelText({
    build_date: version.buildDate, compiler: version.compiler, git_commit: version.gitCommit, git_tree_state: version.gitTreeState, git_version: version.gitVersion,
    go_version: version.goVersion, major: version.major, minor: version.minor, platform: version.platform,
  })]: 1,
}));

/** The second is the name since 1.34; both are told, as upstream does. */
const objectMetrics = (state: ClusterState): readonly MetricFamily[] => [
  observed("gauge", { name: "apiserver_storage_objects", help: "How many objects there are of each resource." }, () => countsBy(state, (name) => labelText({ resource: name }))),
  observed("gauge", { name: "apiserver_resource_objects", help: "How many objects there are of each resource, by its group." }, () => countsBy(state, (name) => {
    const dot = name.indexOf(".");
    return labelText({ group: dot < 0 ? "" : name.slice(dot + 1), resource: dot < 0 ? name : name.slice(0, dot) });
  })),
];
const countsBy = (state: ClusterState, labels: (name: string) => string): Readonly<Record<string, number>> => Object.fromEntries([...state.counts()].map(([name, count]) => [labels(name), count]));

interface InfoOptions {
  readonly metrics: Metrics;
  readonly state: ClusterState;
  readonly groupVersions: readonly DiscoveryGroupVersion[];
  /** All others that are served. */
  paths(): readonly string[];
  /** When the server began. */
  readonly startedMs: number;
  /** Of parts that not every server has. */
  readonly more?: readonly MetricFamily[];
}

export function infoRoutes({ metrics, state, groupVersions, startedMs, paths: others, more = [] }: InfoOptions): Readonly<Record<string, Route>> {
  return {
    "/": () => ({ is: "bytes", code: 200, contentType: "application/json", body: JSON.stringify({ paths: [...new Set([...paths(groupVersions), ...others()])].toSorted() }, undefined, 2) }),
    "/version": () => ({ is: "bytes", code: 200, contentType: "application/json", body: JSON.stringify(version, undefined, 2) }),
    "/metrics": () => ({
      is: "bytes", code: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
      body: metrics.text([...objectMetrics(state), buildMetric, ...processMetrics(startedMs), ...more]),
    }),
  };
}
