import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface NodeSpec {
  /** Also the name of the Node object. */
  readonly name: string;
  /** Address of the node's namespace on the cluster's bridge. */
  readonly address: string;
  /** The node's network namespace, as `ip netns` lists it. */
  readonly namespace: string;
}

/** An etcd that keeps a cluster's state; paths are absolute. */
export interface EtcdSpec {
  /** "https://a:2379,https://b:2379" */
  readonly endpoints: string;
  /** Where the cluster lies in it: "/registry". */
  readonly prefix: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What was decided when the cluster was made, and must stay so for as long as it lives. Kept as `cluster.json`. */
export interface ClusterSpec {
  readonly name: string;
  /** Tells clusters on one machine apart: bridge, subnets and names of interfaces follow from it. */
  readonly index: number;
  /** Port of the API server, on 127.0.0.1 and on the bridge. */
  readonly apiPort: number;
  readonly bridge: string;
  /** The machine's end of the bridge. */
  readonly gateway: string;
  readonly nodeCidr: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly nodes: readonly NodeSpec[];
  /** Registry name → base URLs to ask instead, in order; "*" for every other registry. `http://host:PORT` means this machine. */
  readonly registryMirrors: Readonly<Record<string, readonly string[]>>;
  /** Cluster DNS asks nobody outside; absent in clusters that were made before this could be chosen. */
  readonly offline?: boolean;
  /** How long a node may be silent before it is unreachable; absent means upstream's 50 s. Kubelets renew their leases every 10 s. */
  readonly nodeMonitorGraceMs?: number;
  /** Where the state is kept; absent: in a file of the cluster's own folder. */
  readonly etcd?: EtcdSpec;
  /** Its Secrets are encrypted with the key in a file of its own; absent in clusters that have not been started since that became so. */
  readonly encrypted?: boolean;
  readonly createdAt: string;
}

/** Names go into interfaces, namespaces, cgroups and contexts: a DNS label of at most this many characters. */
export const clusterNameLengthMax = 32;
export const clustersMax = 64;
export const nodesMax = 100;

export const isClusterName = (name: string): boolean => name.length <= clusterNameLengthMax && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name);

/** Where Keelson keeps its clusters: $KEELSON_HOME, or /var/lib/keelson. */
export const homeOf = (env: Readonly<Record<string, string | undefined>>): string => env["KEELSON_HOME"] ?? "/var/lib/keelson";

export interface ClusterPaths {
  readonly root: string;
  readonly spec: string;
  readonly pki: string;
  readonly store: string;
  readonly logs: string;
  readonly run: string;
  readonly steps: string;
  readonly adminKubeconfig: string;
  /** The EncryptionConfiguration with the cluster's key. */
  readonly encryption: string;
  node(name: string): string;
}

export function pathsOf(home: string, name: string): ClusterPaths {
  const root = join(home, "clusters", name);
  return {
    root,
    spec: join(root, "cluster.json"),
    pki: join(root, "pki"),
    store: join(root, "store"),
    logs: join(root, "logs"),
    run: join(root, "run"),
    steps: join(root, "steps"),
    adminKubeconfig: join(root, "admin.kubeconfig"),
    encryption: join(root, "encryption.json"),
    // By number: the path of a socket inside must fit into 107 bytes.
    node: (node) => join(root, "nodes", node.slice(node.lastIndexOf("-") + 1)),
  };
}

export function readSpec(paths: ClusterPaths): ClusterSpec | undefined {
  return existsSync(paths.spec) ? (JSON.parse(readFileSync(paths.spec, "utf8")) as ClusterSpec) : undefined;
}

export function writeSpec(paths: ClusterPaths, spec: ClusterSpec): void {
  mkdirSync(paths.root, { recursive: true, mode: 0o700 });
  const next = `${paths.spec}.next`;
  writeFileSync(next, `${JSON.stringify(spec, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, paths.spec);
}

export function listSpecs(home: string): readonly ClusterSpec[] {
  const folder = join(home, "clusters");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => readSpec(pathsOf(home, name)) ?? []);
}

/** Decides the addresses of a new cluster. `taken` are the networks that the machine has routes or addresses for already, as CIDRs. */
export function planSpec(options: {
  readonly name: string;
  readonly nodeCount: number;
  readonly apiPort: number;
  readonly others: readonly Pick<ClusterSpec, "index">[];
  readonly isFree: (cidr: string) => boolean;
  readonly registryMirrors: ClusterSpec["registryMirrors"];
  readonly offline?: boolean;
  readonly nodeMonitorGraceMs?: number;
  readonly etcd?: EtcdSpec;
  readonly nowMs: number;
}): ClusterSpec | undefined {
  const used = new Set(options.others.map(({ index }) => index));
  for (let index = 0; index < clustersMax; index++) {
    const nodeCidr = `10.222.${index}.0/24`;
    const podCidr = `10.${128 + index}.0.0/16`;
    if (used.has(index) || !options.isFree(nodeCidr) || !options.isFree(podCidr)) continue;
    return {
      name: options.name, index, apiPort: options.apiPort, bridge: `keelson${index}`, gateway: `10.222.${index}.1`, nodeCidr, podCidr,
      serviceCidr: "10.96.0.0/16", clusterDns: "10.96.0.10", clusterDomain: "cluster.local",
      nodes: planNodes(options.name, index, options.nodeCount), registryMirrors: options.registryMirrors, offline: options.offline ?? false,
      ...(options.nodeMonitorGraceMs !== undefined && { nodeMonitorGraceMs: options.nodeMonitorGraceMs }), ...(options.etcd && { etcd: options.etcd }), createdAt: new Date(options.nowMs).toISOString(),
    };
  }
  return undefined;
}

export const planNodes = (name: string, index: number, count: number): readonly NodeSpec[] =>
  Array.from({ length: count }, (_, i) => ({ name: `${name}-${i + 1}`, address: `10.222.${index}.${i + 10}`, namespace: `keelson-${name}-${i + 1}` }));
