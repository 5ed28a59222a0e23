export const podSpec = { containers: [{ name: "c", image: "nginx" }] };
export const template = { metadata: { labels: { app: "x" } }, spec: podSpec };
export const selector = { matchLabels: { app: "x" } };
/** One object each of many kinds, without its name, and whether it lies in a namespace. */
export const sampleObjects: readonly (readonly [object: { readonly apiVersion: string; readonly kind: string } & Record<string, unknown>, namespaced: boolean])[] = [
  [{ apiVersion: "v1", kind: "ConfigMap", data: { a: "b" } }, true],
  [{ apiVersion: "v1", kind: "Secret", stringData: { a: "b" } }, true],
  [{ apiVersion: "v1", kind: "Pod", spec: podSpec }, true],
  [{ apiVersion: "v1", kind: "Service", spec: { ports: [{ port: 80 }], selector: { app: "x" } } }, true],
  [{ apiVersion: "v1", kind: "Namespace" }, false],
  [{ apiVersion: "v1", kind: "Node" }, false],
  [{ apiVersion: "v1", kind: "PersistentVolumeClaim", spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }, true],
  [{ apiVersion: "apps/v1", kind: "Deployment", spec: { selector, template } }, true],
  [{ apiVersion: "apps/v1", kind: "StatefulSet", spec: { serviceName: "x", selector, template } }, true],
  [{ apiVersion: "batch/v1", kind: "CronJob", spec: { schedule: "* * * * *", jobTemplate: { spec: { template: { spec: { ...podSpec, restartPolicy: "Never" } } } } } }, true],
  [{ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "x" } } }, true],
  [{ apiVersion: "policy/v1", kind: "PodDisruptionBudget", spec: { minAvailable: 1, selector } }, true],
  [{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", spec: { defaultBackend: { service: { name: "x", port: { number: 80 } } } } }, true],
  [{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", rules: [] }, false],
  [{ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", provisioner: "example.com/p" }, false],
  [{ apiVersion: "coordination.k8s.io/v1", kind: "Lease", spec: { holderIdentity: "me", leaseDurationSeconds: 15 } }, true],
];
