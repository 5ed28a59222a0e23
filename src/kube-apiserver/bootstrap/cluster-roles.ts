import { read, write, type RoleFacts } from "./role-facts.ts";

/** The default ClusterRoles of Kubernetes 1.36 for users, nodes and components, with the feature gates that are on by default. */
export const defaultClusterRoles: readonly RoleFacts[] = [
  { name: "admin", aggregatedFrom: ["admin"], rules: [] },
  {
    name: "cluster-admin", rules: [
      { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
      { nonResourceURLs: ["*"], verbs: ["*"] },
    ],
  },
  { name: "edit", aggregateTo: ["admin"], aggregatedFrom: ["edit"], rules: [] },
  {
    name: "system:aggregate-to-admin", aggregateTo: ["admin"], rules: [
      { apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews"], verbs: ["create"] },
      { apiGroups: ["rbac.authorization.k8s.io"], resources: ["rolebindings", "roles"], verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] },
    ],
  },
  {
    name: "system:aggregate-to-edit", aggregateTo: ["edit"], rules: [
      { apiGroups: [""], resources: ["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"], verbs: read },
      { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["impersonate"] },
      { apiGroups: [""], resources: ["pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"], verbs: write },
      { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
      { apiGroups: [""], resources: ["configmaps", "persistentvolumeclaims", "replicationcontrollers", "replicationcontrollers/scale", "secrets", "serviceaccounts", "services", "services/proxy"], verbs: write },
      { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: write },
      { apiGroups: ["apps"], resources: ["daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale"], verbs: write },
      { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"], verbs: write },
      { apiGroups: ["batch"], resources: ["cronjobs", "jobs"], verbs: write },
      { apiGroups: ["extensions"], resources: ["daemonsets", "deployments", "deployments/rollback", "deployments/scale", "ingresses", "networkpolicies", "replicasets", "replicasets/scale", "replicationcontrollers/scale"], verbs: write },
      { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: write },
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses", "networkpolicies"], verbs: write },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceclaims", "resourceclaimtemplates"], verbs: write },
    ],
  },
  {
    name: "system:aggregate-to-view", aggregateTo: ["view"], rules: [
      { apiGroups: [""], resources: ["configmaps", "endpoints", "persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "replicationcontrollers", "replicationcontrollers/scale", "serviceaccounts", "services", "services/status"], verbs: read },
      { apiGroups: [""], resources: ["bindings", "limitranges", "namespaces/status", "pods/log", "pods/status", "replicationcontrollers/status", "resourcequotas", "resourcequotas/status"], verbs: read },
      { apiGroups: [""], resources: ["namespaces"], verbs: read },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: read },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
      { apiGroups: ["apps"], resources: ["controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status", "replicasets", "replicasets/scale", "replicasets/status", "statefulsets", "statefulsets/scale", "statefulsets/status"], verbs: read },
      { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], verbs: read },
      { apiGroups: ["batch"], resources: ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], verbs: read },
      { apiGroups: ["extensions"], resources: ["daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status", "ingresses", "ingresses/status", "networkpolicies", "replicasets", "replicasets/scale", "replicasets/status", "replicationcontrollers/scale"], verbs: read },
      { apiGroups: ["policy"], resources: ["poddisruptionbudgets", "poddisruptionbudgets/status"], verbs: read },
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses", "ingresses/status", "networkpolicies"], verbs: read },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceclaims", "resourceclaims/status", "resourceclaimtemplates"], verbs: read },
    ],
  },
  {
    name: "system:auth-delegator", rules: [
      { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
      { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
    ],
  },
  {
    name: "system:basic-user", rules: [
      { apiGroups: ["authorization.k8s.io"], resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], verbs: ["create"] },
      { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
    ],
  },
  {
    name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient", rules: [
      { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests/nodeclient"], verbs: ["create"] },
    ],
  },
  {
    name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", rules: [
      { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests/selfnodeclient"], verbs: ["create"] },
    ],
  },
  {
    name: "system:certificates.k8s.io:kube-apiserver-client-approver", rules: [
      { apiGroups: ["certificates.k8s.io"], resources: ["signers"], resourceNames: ["kubernetes.io/kube-apiserver-client"], verbs: ["approve"] },
    ],
  },
  {
    name: "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver", rules: [
      { apiGroups: ["certificates.k8s.io"], resources: ["signers"], resourceNames: ["kubernetes.io/kube-apiserver-client-kubelet"], verbs: ["approve"] },
    ],
  },
  {
    name: "system:certificates.k8s.io:kubelet-serving-approver", rules: [
      { apiGroups: ["certificates.k8s.io"], resources: ["signers"], resourceNames: ["kubernetes.io/kubelet-serving"], verbs: ["approve"] },
    ],
  },
  {
    name: "system:certificates.k8s.io:legacy-unknown-approver", rules: [
      { apiGroups: ["certificates.k8s.io"], resources: ["signers"], resourceNames: ["kubernetes.io/legacy-unknown"], verbs: ["approve"] },
    ],
  },
  {
    name: "system:discovery", rules: [
      { nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"], verbs: ["get"] },
    ],
  },
  {
    name: "system:heapster", rules: [
      { apiGroups: [""], resources: ["events", "namespaces", "nodes", "pods"], verbs: read },
      { apiGroups: ["extensions"], resources: ["deployments"], verbs: read },
    ],
  },
  {
    name: "system:kube-aggregator", rules: [
      { apiGroups: [""], resources: ["endpoints", "services"], verbs: read },
    ],
  },
  {
    name: "system:kube-controller-manager", rules: [
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: ["kube-controller-manager"], verbs: ["get", "update"] },
      { apiGroups: [""], resources: ["secrets", "serviceaccounts"], verbs: ["create"] },
      { apiGroups: [""], resources: ["secrets"], verbs: ["delete"] },
      { apiGroups: [""], resources: ["configmaps", "namespaces", "secrets", "serviceaccounts"], verbs: ["get"] },
      { apiGroups: [""], resources: ["secrets", "serviceaccounts"], verbs: ["update"] },
      { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
      { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
      { apiGroups: ["*"], resources: ["*"], verbs: ["list", "watch"] },
      { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
    ],
  },
  {
    name: "system:kube-dns", rules: [
      { apiGroups: [""], resources: ["endpoints", "services"], verbs: ["list", "watch"] },
    ],
  },
  {
    name: "system:kube-scheduler", rules: [
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: ["kube-scheduler"], verbs: ["get", "list", "update", "watch"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leasecandidates"], verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] },
      { apiGroups: [""], resources: ["nodes"], verbs: read },
      { apiGroups: [""], resources: ["pods"], verbs: ["delete", "get", "list", "watch"] },
      { apiGroups: [""], resources: ["bindings", "pods/binding"], verbs: ["create"] },
      { apiGroups: [""], resources: ["pods/status"], verbs: ["patch", "update"] },
      { apiGroups: [""], resources: ["replicationcontrollers", "services"], verbs: read },
      { apiGroups: ["apps", "extensions"], resources: ["replicasets"], verbs: read },
      { apiGroups: ["apps"], resources: ["statefulsets"], verbs: read },
      { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: read },
      { apiGroups: [""], resources: ["persistentvolumeclaims", "persistentvolumes"], verbs: read },
      { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
      { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
      { apiGroups: ["storage.k8s.io"], resources: ["csinodes"], verbs: read },
      { apiGroups: ["storage.k8s.io"], resources: ["volumeattachments"], verbs: read },
      { apiGroups: [""], resources: ["namespaces"], verbs: read },
      { apiGroups: ["storage.k8s.io"], resources: ["csidrivers"], verbs: read },
      { apiGroups: ["storage.k8s.io"], resources: ["csistoragecapacities"], verbs: read },
      { apiGroups: ["resource.k8s.io"], resources: ["deviceclasses"], verbs: read },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceclaims"], verbs: ["get", "list", "patch", "update", "watch"] },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceclaims/status"], verbs: ["get", "list", "patch", "update", "watch"] },
      { apiGroups: [""], resources: ["pods/finalizers"], verbs: ["update"] },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceslices"], verbs: read },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceclaims"], verbs: ["create", "delete"] },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceclaims/binding"], verbs: ["patch", "update"] },
    ],
  },
  {
    name: "system:kubelet-api-admin", rules: [
      { apiGroups: [""], resources: ["nodes"], verbs: read },
      { apiGroups: [""], resources: ["nodes"], verbs: ["proxy"] },
      { apiGroups: [""], resources: ["nodes/log", "nodes/metrics", "nodes/proxy", "nodes/stats"], verbs: ["*"] },
      { apiGroups: [""], resources: ["nodes/configz", "nodes/healthz", "nodes/pods"], verbs: ["*"] },
    ],
  },
  {
    name: "system:monitoring", rules: [
      { nonResourceURLs: ["/flagz", "/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz", "/readyz/*", "/statusz"], verbs: ["get"] },
      { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
    ],
  },
  {
    name: "system:node", rules: [
      { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
      { apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews", "subjectaccessreviews"], verbs: ["create"] },
      { apiGroups: [""], resources: ["services"], verbs: read },
      { apiGroups: [""], resources: ["nodes"], verbs: ["create", "get", "list", "watch"] },
      { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch", "update"] },
      { apiGroups: [""], resources: ["nodes"], verbs: ["patch", "update"] },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
      { apiGroups: [""], resources: ["pods"], verbs: read },
      { apiGroups: [""], resources: ["pods"], verbs: ["create", "delete"] },
      { apiGroups: [""], resources: ["pods/status"], verbs: ["patch", "update"] },
      { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
      { apiGroups: [""], resources: ["configmaps", "secrets"], verbs: read },
      { apiGroups: [""], resources: ["persistentvolumeclaims", "persistentvolumes"], verbs: ["get"] },
      { apiGroups: [""], resources: ["endpoints"], verbs: ["get"] },
      { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"], verbs: ["create", "get", "list", "watch"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create", "delete", "get", "patch", "update"] },
      { apiGroups: ["storage.k8s.io"], resources: ["volumeattachments"], verbs: ["get"] },
      { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
      { apiGroups: [""], resources: ["persistentvolumeclaims/status"], verbs: ["get", "patch", "update"] },
      { apiGroups: ["storage.k8s.io"], resources: ["csidrivers"], verbs: read },
      { apiGroups: ["storage.k8s.io"], resources: ["csinodes"], verbs: ["create", "delete", "get", "patch", "update"] },
      { apiGroups: ["node.k8s.io"], resources: ["runtimeclasses"], verbs: read },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceclaims"], verbs: ["get"] },
      { apiGroups: ["resource.k8s.io"], resources: ["resourceslices"], verbs: ["deletecollection"] },
      { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["get"] },
    ],
  },
  {
    name: "system:node-bootstrapper", rules: [
      { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"], verbs: ["create", "get", "list", "watch"] },
    ],
  },
  {
    name: "system:node-problem-detector", rules: [
      { apiGroups: [""], resources: ["nodes"], verbs: ["get"] },
      { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
    ],
  },
  {
    name: "system:node-proxier", rules: [
      { apiGroups: [""], resources: ["endpoints", "services"], verbs: ["list", "watch"] },
      { apiGroups: [""], resources: ["nodes"], verbs: read },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
      { apiGroups: ["networking.k8s.io"], resources: ["servicecidrs"], verbs: ["list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  },
  {
    name: "system:persistent-volume-provisioner", rules: [
      { apiGroups: [""], resources: ["persistentvolumes"], verbs: ["create", "delete", "get", "list", "watch"] },
      { apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: ["get", "list", "update", "watch"] },
      { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: read },
      { apiGroups: [""], resources: ["events"], verbs: ["watch"] },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
    ],
  },
  { name: "keelson:step-recorder", rules: [{ nonResourceURLs: ["/debug/steps"], verbs: ["post"] }] },
  {
    name: "system:public-info-viewer", rules: [
      { nonResourceURLs: ["/healthz", "/livez", "/readyz", "/version", "/version/"], verbs: ["get"] },
    ],
  },
  {
    name: "system:service-account-issuer-discovery", rules: [
      { nonResourceURLs: ["/.well-known/openid-configuration", "/.well-known/openid-configuration/", "/openid/v1/jwks", "/openid/v1/jwks/"], verbs: ["get"] },
    ],
  },
  {
    name: "system:volume-scheduler", rules: [
      { apiGroups: [""], resources: ["persistentvolumes"], verbs: ["get", "list", "patch", "update", "watch"] },
      { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: read },
      { apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: ["get", "list", "patch", "update", "watch"] },
    ],
  },
  { name: "view", aggregateTo: ["edit"], aggregatedFrom: ["view"], rules: [] },
];
