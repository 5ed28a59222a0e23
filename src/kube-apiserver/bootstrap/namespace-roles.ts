import { read, type BindingFacts, type RoleFacts, serviceAccount, user } from "./role-facts.ts";

/** The default Roles of Kubernetes 1.36, in kube-system and kube-public. */
export const namespaceRoles: readonly RoleFacts[] = [
  {
    name: "system:controller:bootstrap-signer", namespace: "kube-public", rules: [
      { apiGroups: [""], resources: ["configmaps"], verbs: read },
      { apiGroups: [""], resources: ["configmaps"], resourceNames: ["cluster-info"], verbs: ["update"] },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
    ],
  },
  {
    name: "extension-apiserver-authentication-reader", namespace: "kube-system", rules: [
      { apiGroups: [""], resources: ["configmaps"], resourceNames: ["extension-apiserver-authentication"], verbs: read },
    ],
  },
  {
    name: "system::leader-locking-kube-controller-manager", namespace: "kube-system", rules: [
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create", "get", "list", "update", "watch"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leasecandidates"], verbs: ["create", "get", "list", "update", "watch"] },
    ],
  },
  {
    name: "system::leader-locking-kube-scheduler", namespace: "kube-system", rules: [
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create", "get", "list", "update", "watch"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leasecandidates"], verbs: ["create", "get", "list", "update", "watch"] },
    ],
  },
  {
    name: "system:controller:bootstrap-signer", namespace: "kube-system", rules: [
      { apiGroups: [""], resources: ["secrets"], verbs: read },
    ],
  },
  {
    name: "system:controller:cloud-provider", namespace: "kube-system", rules: [
      { apiGroups: [""], resources: ["configmaps"], verbs: ["create", "get", "list", "watch"] },
    ],
  },
  {
    name: "system:controller:token-cleaner", namespace: "kube-system", rules: [
      { apiGroups: [""], resources: ["secrets"], verbs: ["delete", "get", "list", "watch"] },
      { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
    ],
  },
];

export const namespaceRoleBindings: readonly BindingFacts[] = [
  { name: "system:controller:bootstrap-signer", namespace: "kube-public", role: "system:controller:bootstrap-signer", subjects: [serviceAccount("kube-system", "bootstrap-signer")] },
  { name: "system::extension-apiserver-authentication-reader", namespace: "kube-system", role: "extension-apiserver-authentication-reader", subjects: [user("system:kube-controller-manager"), user("system:kube-scheduler")] },
  { name: "system::leader-locking-kube-controller-manager", namespace: "kube-system", role: "system::leader-locking-kube-controller-manager", subjects: [user("system:kube-controller-manager"), serviceAccount("kube-system", "kube-controller-manager"), serviceAccount("kube-system", "leader-election-controller")] },
  { name: "system::leader-locking-kube-scheduler", namespace: "kube-system", role: "system::leader-locking-kube-scheduler", subjects: [user("system:kube-scheduler"), serviceAccount("kube-system", "kube-scheduler")] },
  { name: "system:controller:bootstrap-signer", namespace: "kube-system", role: "system:controller:bootstrap-signer", subjects: [serviceAccount("kube-system", "bootstrap-signer")] },
  { name: "system:controller:cloud-provider", namespace: "kube-system", role: "system:controller:cloud-provider", subjects: [serviceAccount("kube-system", "cloud-provider")] },
  { name: "system:controller:token-cleaner", namespace: "kube-system", role: "system:controller:token-cleaner", subjects: [serviceAccount("kube-system", "token-cleaner")] },
];
