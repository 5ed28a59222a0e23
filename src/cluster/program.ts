import { join } from "node:path";
import { nodeKubeconfigs } from "./credentials.ts";
import type { ClusterPaths, ClusterSpec, NodeSpec } from "./spec.ts";

type Argv = readonly [string, ...string[]];

/** How our own processes are started: with the Node that runs us, from source or from the published JavaScript alike. */
export interface Program {
  server(spec: ClusterSpec, paths: ClusterPaths): Argv;
  agent(spec: ClusterSpec, paths: ClusterPaths, node: NodeSpec): Argv;
}

export const serverName = "server";
export const agentName = (node: string): string => `agent-${node}`;

const nodeFlags = ["--disable-warning=ExperimentalWarning"] as const;
/** Agents are small: V8 is told so, which keeps its heap from growing before it collects. The server needs room for the garbage of many requests, or a third of its time goes to collecting. */
const semiSpaceMbMax = { server: 16, agent: 4 } as const;

export const programOf = (options: { readonly node: string; readonly entry: string }): Program => ({
  server: (spec, paths) => [
    options.node, ...nodeFlags, `--max-semi-space-size=${semiSpaceMbMax.server}`, options.entry, "server", "--cluster", spec.name, "--state", paths.root,
  ],
  agent: (spec, paths, node) => [
    options.node, ...nodeFlags, `--max-semi-space-size=${semiSpaceMbMax.agent}`, options.entry, "agent",
    "--node-name", node.name, "--node-ip", node.address, "--state", paths.node(node.name),
    "--kubeconfig", join(paths.node(node.name), nodeKubeconfigs.kubelet),
    "--kube-proxy-kubeconfig", join(paths.node(node.name), nodeKubeconfigs.kubeProxy),
    "--cluster-dns-kubeconfig", join(paths.node(node.name), nodeKubeconfigs.clusterDns),
    "--serving-certificate", join(paths.pki, "nodes", node.name, "kubelet.crt"), "--serving-key", join(paths.pki, "nodes", node.name, "kubelet.key"),
    "--client-ca", join(paths.pki, "ca.crt"),
    "--cluster-dns", spec.clusterDns, "--cluster-domain", spec.clusterDomain, "--service-cidr", spec.serviceCidr, "--cluster-cidr", spec.podCidr,
    "--cgroup-root", `/keelson/${spec.name}/${node.name}`,
    ...(spec.offline === true ? ["--no-dns-forwarders"] : []),
    ...Object.entries(spec.registryMirrors).flatMap(([registry, urls]) => urls.flatMap((url) => ["--registry-mirror", `${registry}=${url.replace("//host:", `//${spec.gateway}:`)}`])),
  ],
});
