import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { subjectaccessreviews, type SubjectAccessReview } from "../api/generated/authorization-v1.ts";
import { nodes } from "../api/generated/core-v1.ts";
import { runClusterDns } from "../cluster-dns/cluster-dns.ts";
import { nameServersOf } from "../cluster-dns/forward.ts";
import { HttpTransport } from "../client/http-transport.ts";
import { Informers } from "../client/informers.ts";
import { connectionOf, loadKubeconfig } from "../client/kubeconfig.ts";
import { TypedClient } from "../client/typed-client.ts";
import type { Client } from "../client/client.ts";
import { startContainerd } from "../cri/containerd/instance.ts";
import { runKubeProxy } from "../kube-proxy/kube-proxy.ts";
import { runKubelet } from "../kubelet/kubelet.ts";
import { runPodNetwork } from "../kubelet/pod-network/pod-network.ts";
import { startKubeletServer, type KubeletServerOptions } from "../kubelet/server/server.ts";
import { statsPages } from "../kubelet/stats/pages.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import { onFileChange } from "./file-change.ts";
import { StepSender } from "./step-sender.ts";

export interface AgentOptions {
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly stateDir: string;
  readonly kubeconfig: string;
  readonly kubeProxyKubeconfig: string;
  readonly clusterDnsKubeconfig: string;
  readonly servingCertificate: string;
  readonly servingKey: string;
  readonly clientCa: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly cgroupRoot: string;
  readonly registryMirrors: Readonly<Record<string, readonly string[]>>;
  /** Where names outside of the cluster are asked for; undefined takes the machine's own name servers. */
  readonly dnsForwarders: readonly string[] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const kubeletPort = 10250;
const apiServerClientName = "kube-apiserver-kubelet-client";

/** systemd-resolved tells programs to ask itself on loopback; this file names the servers behind it. */
const resolvConfPaths = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"] as const;

/** Kubelet, kube-proxy and cluster DNS of one node, until `signal` aborts. containerd and all containers go on after that. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { nodeName, nodeIp, stateDir, clock, random, log, signal } = options;
  const clientFor = async (path: string, name: string): Promise<TypedClient> => {
    const transport = new HttpTransport({ connection: await connectionOf(await loadKubeconfig([path])), clock, userAgent: name });
    onFileChange(path, { clock, log, signal }, async () => transport.replaceConnection(await connectionOf(await loadKubeconfig([path]))));
    return new TypedClient(transport, { fieldManager: name });
  };
  const [containerd, client, proxyClient, dnsClient] = await Promise.all([
    startContainerd({ stateDir, registryMirrors: options.registryMirrors, clock, log, signal }),
    clientFor(options.kubeconfig, "kubelet"),
    clientFor(options.kubeProxyKubeconfig, "kube-proxy"),
    clientFor(options.clusterDnsKubeconfig, "cluster-dns"),
  ]);
  const steps = new StepSender({ transport: client.transport as HttpTransport, clock, log, signal });
  const resolvConf = resolvConfPaths.find((path) => existsSync(path)) ?? "/etc/resolv.conf";

  const kubelet = await runKubelet({
    client, nodeName, nodeIp, stateDir, cri: containerd.cri, clusterDns: options.clusterDns, clusterDomain: options.clusterDomain, cgroupRoot: options.cgroupRoot,
    port: kubeletPort, resolvConf, clock, random, log: log.with({ component: "kubelet" }), steps, signal,
  });
  const tls = () => ({ certificate: readFileSync(options.servingCertificate, "utf8"), key: readFileSync(options.servingKey, "utf8"), clientCa: readFileSync(options.clientCa, "utf8") });
  await using server = await startKubeletServer({
    host: nodeIp, port: kubeletPort, tls: tls(),
    pods: kubelet.pods, cri: containerd.cri, authorize: authorizeWith(client, nodeName), pages: statsPages({ nodeName, stateDir, cgroupRoot: options.cgroupRoot, pods: kubelet.pods, cri: containerd.cri, clock }), clock, log: log.with({ component: "kubelet-server" }), signal,
  });
  onFileChange(options.servingCertificate, { clock, log, signal }, async () => server.renewTls(tls()));
  const common = { clock, random, log, signal };
  // The kubelet's own identity may see no other node; kube-proxy's may.
  const proxyInformers = new Informers({ client: proxyClient, ...common });
  const forwarders = options.dnsForwarders ?? nameServersOf(existsSync(resolvConf) ? readFileSync(resolvConf, "utf8") : "");
  await Promise.all([
    kubelet.done,
    runPodNetwork({ nodes: proxyInformers.of(nodes), nodeName, cniConfDir: containerd.paths.cniConfDir, dataDir: join(stateDir, "cni", "addresses"), log: log.with({ component: "pod-network" }), signal }),
    runKubeProxy({
      informers: proxyInformers, nodeName, clusterCidr: options.clusterCidr, serviceCidr: options.serviceCidr, excludedIps: new Set([options.clusterDns]),
      clock, log: log.with({ component: "kube-proxy" }), signal,
    }),
    runClusterDns({ informers: new Informers({ client: dnsClient, ...common }), address: options.clusterDns, domain: options.clusterDomain, forwarders, log: log.with({ component: "cluster-dns" }), signal }),
  ]);
}

/** The API server may do everything here, as it carries what users may; others are asked about, as upstream's kubelet does in webhook mode. */
const authorizeWith = (client: Client, nodeName: string): KubeletServerOptions["authorize"] => async ({ name, groups }, { verb, subresource }) => {
  if (name === apiServerClientName) return true;
  const review: SubjectAccessReview = {
    apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", metadata: {},
    spec: { user: name, groups, resourceAttributes: { verb, version: "v1", resource: "nodes", subresource, name: nodeName } },
  };
  return (await client.create(subjectaccessreviews, review)).status?.allowed === true;
};
