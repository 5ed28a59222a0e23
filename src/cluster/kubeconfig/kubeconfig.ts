import { yamlPackage } from "../../stdx/yaml-package.ts";

/** What a client needs to reach one cluster as one user. */
export interface ClusterAccess {
  /** Names the cluster, the user and the context alike: "keelson-dev". */
  readonly name: string;
  /** "https://127.0.0.1:6443" */
  readonly server: string;
  readonly certificateAuthorityPem: string;
  readonly clientCertificatePem: string;
  readonly clientKeyPem: string;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

export const contextName = (cluster: string): string => `keelson-${cluster}`;

/** The three named entries that a kubeconfig holds for one cluster. */
export const entriesOf = ({ name, server, certificateAuthorityPem, clientCertificatePem, clientKeyPem }: ClusterAccess) => ({
  clusters: { name, cluster: { "certificate-authority-data": base64(certificateAuthorityPem), server } },
  contexts: { name, context: { cluster: name, user: name } },
  users: { name, user: { "client-certificate-data": base64(clientCertificatePem), "client-key-data": base64(clientKeyPem) } },
});

/** A kubeconfig of its own for one cluster, as `keelson kubeconfig` prints it and components are given it. */
export const kubeconfigText = (access: ClusterAccess): string => yamlPackage().stringify(kubeconfigOf(access), { lineWidth: 0 });

/** The same as JSON, which every reader of a kubeconfig reads too: components start sooner when they need no YAML. */
export const componentKubeconfigText = (access: ClusterAccess): string => `${JSON.stringify(kubeconfigOf(access), undefined, 2)}\n`;

function kubeconfigOf(access: ClusterAccess) {
  const { clusters, contexts, users } = entriesOf(access);
  return { apiVersion: "v1", kind: "Config", clusters: [clusters], contexts: [contexts], "current-context": access.name, preferences: {}, users: [users] };
}
