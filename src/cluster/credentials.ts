import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { componentKubeconfigText, contextName, kubeconfigText, type ClusterAccess } from "./kubeconfig/kubeconfig.ts";
import type { Identity, Pki } from "./pki/pki.ts";
import type { ClusterPaths, ClusterSpec } from "./spec.ts";

/** How the administrator reaches the cluster from this machine. */
export const adminAccess = (spec: ClusterSpec, pki: Pki): ClusterAccess => ({
  name: contextName(spec.name),
  server: `https://127.0.0.1:${spec.apiPort}`,
  certificateAuthorityPem: pki.ca.certificatePem,
  clientCertificatePem: pki.admin.certificatePem,
  clientKeyPem: pki.admin.privateKeyPem,
});

/** The kubeconfigs that a node's agent is started with, and that it reads again when they change. */
export const nodeKubeconfigs = { kubelet: "kubelet.kubeconfig", kubeProxy: "kube-proxy.kubeconfig", clusterDns: "cluster-dns.kubeconfig" } as const;

/** Writes the kubeconfigs of the administrator and of all nodes: when a cluster starts, and when its certificates were renewed. */
export function writeCredentials(spec: ClusterSpec, paths: ClusterPaths, pki: Pki): void {
  writeWhole(paths.adminKubeconfig, kubeconfigText(adminAccess(spec, pki)));
  for (const { name } of spec.nodes) {
    const identity = pki.nodes[name];
    if (!identity) throw new Error(`no certificate was made for node ${name}`);
    const folder = paths.node(name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const write = (file: string, { certificatePem, privateKeyPem }: Identity) => writeWhole(join(folder, file), componentKubeconfigText({
      name: contextName(spec.name), server: `https://${spec.gateway}:${spec.apiPort}`, certificateAuthorityPem: pki.ca.certificatePem, clientCertificatePem: certificatePem, clientKeyPem: privateKeyPem,
    }));
    write(nodeKubeconfigs.kubelet, identity.kubeletClient);
    write(nodeKubeconfigs.kubeProxy, pki.kubeProxy);
    write(nodeKubeconfigs.clusterDns, pki.clusterDns);
  }
}

/** Readers see the old text or the new one; a text that is there already is not written again, since agents act on every change. */
function writeWhole(path: string, text: string): void {
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  writeFileSync(`${path}.next`, text, { mode: 0o600 });
  renameSync(`${path}.next`, path);
}
