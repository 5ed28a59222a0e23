/** Of this package; a test compares it with package.json. */
export const keelsonVersion = "0.1.0";

/** The release of Kubernetes that we are, as the API server, nodes and clients name it. */
export const kubernetesVersion = "v1.36.4";
