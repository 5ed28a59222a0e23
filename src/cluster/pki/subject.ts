/** What a certificate is for, apart from its keys and its dates. */
export interface Subject {
  readonly commonName: string;
  /** For client certificates these are the groups of the user. */
  readonly organizations: readonly string[];
  readonly usages: readonly ("client" | "server")[];
  readonly dnsNames: readonly string[];
  readonly ips: readonly string[];
}

export type Authority = "ca" | "front-proxy-ca";

/** One certificate of the cluster: the name of its files, who signs it, and what it is for. */
export interface PlannedCertificate {
  readonly file: string;
  readonly authority: Authority;
  readonly subject: Subject;
}

export interface NodeIdentity {
  readonly name: string;
  /** Addresses under which the API server reaches the node's kubelet. */
  readonly ips: readonly string[];
}

export interface PkiSubjects {
  /** "cluster.local" */
  readonly clusterDomain: string;
  /** The address of the `kubernetes` Service: the first of the service range. */
  readonly serviceIp: string;
  readonly apiServerIps: readonly string[];
  readonly apiServerNames?: readonly string[];
  readonly nodes: readonly NodeIdentity[];
}

const client = (commonName: string, ...organizations: readonly string[]): Subject => ({ commonName, organizations, usages: ["client"], dnsNames: [], ips: [] });

export const nodeFile = (node: string, what: "kubelet-client" | "kubelet"): string => `nodes/${node}/${what}`;

/** Every certificate that a cluster needs. File names and subjects are those of kubeadm where kubeadm has them. */
export function plannedCertificates({ clusterDomain, serviceIp, apiServerIps, apiServerNames = [], nodes }: PkiSubjects): readonly PlannedCertificate[] {
  const byCluster = (file: string, subject: Subject): PlannedCertificate => ({ file, authority: "ca", subject });
  return [
    byCluster("apiserver", {
      commonName: "kube-apiserver", organizations: [], usages: ["server"],
      dnsNames: [...new Set(["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${clusterDomain}`, "localhost", ...apiServerNames])],
      ips: [...new Set(["127.0.0.1", "::1", serviceIp, ...apiServerIps])],
    }),
    byCluster("admin", client("kubernetes-admin", "system:masters")),
    byCluster("kube-scheduler", client("system:kube-scheduler")),
    byCluster("kube-controller-manager", client("system:kube-controller-manager")),
    byCluster("kube-proxy", client("system:kube-proxy")),
    byCluster("cluster-dns", client("system:serviceaccount:kube-system:coredns", "system:serviceaccounts", "system:serviceaccounts:kube-system")),
    byCluster("apiserver-kubelet-client", client("kube-apiserver-kubelet-client", "system:masters")),
    { file: "front-proxy-client", authority: "front-proxy-ca", subject: client("front-proxy-client") },
    ...nodes.flatMap(({ name, ips }) => [
      byCluster(nodeFile(name, "kubelet-client"), client(`system:node:${name}`, "system:nodes")),
      byCluster(nodeFile(name, "kubelet"), {
        commonName: `system:node:${name}`, organizations: ["system:nodes"], usages: ["server"], dnsNames: [name], ips: [...new Set(ips)],
      }),
    ]),
  ];
}
