import { describe } from "node:test";
import { tellStories, web } from "./kubectl-story.ts";

const { story } = tellStories();

const quoted = (text: string): RegExp => new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
const set = (kind: string, more = ""): string => `apiVersion: apps/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: {${more}selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: "a:1"}]}}}`;
/** A manifest of one object, and what `kubectl describe` says of it beside its name. */
const described: readonly (readonly [kind: string, name: string, manifest: string, says: readonly RegExp[]])[] = [
  ["configmap", "x", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}", [/^Data\n====\na:\n----\nb\n/m, /^BinaryData\n====\n/m]],
  ["secret", "x", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: bcd}", [/^Type: +Opaque$/m, /^a: +3 bytes$/m]],
  ["serviceaccount", "x", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x}", [/^Image pull secrets: +<none>$/m]],
  ["limitrange", "x", "apiVersion: v1\nkind: LimitRange\nmetadata: {name: x}\nspec: {limits: [{type: PersistentVolumeClaim, max: {storage: 1Ti}}]}", [/^PersistentVolumeClaim +storage +- +1Ti/m]],
  ["resourcequota", "x", "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: x}\nspec: {hard: {count/widgets.example.com: \"5\"}}", [/^Resource +Used +Hard$/m]],
  ["persistentvolumeclaim", "x", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}", [/^Status: +Pending$/m, /^VolumeMode: +Filesystem$/m, /^Used By: +<none>$/m]],
  ["podtemplate", "x", "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: x}\ntemplate: {spec: {containers: [{name: c, image: a}]}}", [/^Template:$/m, /Restart Policy: +Always/]],
  ["service", "x", "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {selector: {app: x}, ports: [{port: 80}]}", [/^Type: +ClusterIP$/m, /^Port: +<unset> +80\/TCP$/m, /^Internal Traffic Policy: +Cluster$/m]],
  ["endpointslice", "x", "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: x}\naddressType: IPv4\nendpoints: [{addresses: [10.0.0.1]}]\nports: [{name: p, port: 80}]", [/^AddressType: +IPv4$/m, /Addresses: +10\.0\.0\.1/, / {4}Ready: +<unset>/]],
  ["replicationcontroller", "x", "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: x}\nspec: {replicas: 0, selector: {app: rc}, template: {metadata: {labels: {app: rc}}, spec: {containers: [{name: c, image: a}]}}}", [/^Replicas: +0 current \/ 0 desired$/m]],
  ["replicaset", "x", set("ReplicaSet", "replicas: 0, "), [/^Replicas: +0 current \/ 0 desired$/m]],
  ["deployment", "x", set("Deployment", "replicas: 0, "), [/^StrategyType: +RollingUpdate$/m, /^RollingUpdateStrategy: +25% max unavailable, 25% max surge$/m]],
  ["statefulset", "x", set("StatefulSet", "replicas: 0, serviceName: x, "), [/^Update Strategy: +RollingUpdate\n +Partition: +0$/m]],
  ["daemonset", "x", set("DaemonSet"), [/^Selector: +app=x$/m, /^Annotations: +deprecated\.daemonset\.template\.generation: 1$/m]],
  ["job", "x", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\nspec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: a}]}}}", [/^Parallelism: +1$/m, /^Completions: +1$/m, /^Suspend: +true$/m, /^Labels: +batch\.kubernetes\.io\/controller-uid=/m]],
  ["cronjob", "x", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec: {schedule: 0 0 1 1 *, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: a}]}}}}}", [/^Schedule: +0 0 1 1 \*$/m, /^Concurrency Policy: +Allow$/m, /^Last Schedule Time: +<unset>$/m]],
  ["hpa", "x", "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\nspec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}", [/^Reference: +Deployment\/x$/m, /<unknown> \/ 50%/, /^Max replicas: +3$/m]],
  ["poddisruptionbudget", "x", "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: x}\nspec: {minAvailable: 1, selector: {matchLabels: {app: none}}}", [/^Min available: +1$/m]],
  ["ingress", "x", "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: x}\nspec: {defaultBackend: {service: {name: x, port: {number: 80}}}}", [/^Default backend: +x:80 \(/m]],
  ["networkpolicy", "x", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x}\nspec: {podSelector: {}, ingress: [{}]}", [/PodSelector: +<none> \(Allowing the specific traffic to all pods in this namespace\)/, /Policy Types: Ingress/]],
  ["role", "x", "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\nrules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]", [/^ +pods +\[\] +\[\] +\[get\]$/m]],
  ["rolebinding", "x", "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: User, name: u, apiGroup: rbac.authorization.k8s.io}]", [/^ +User +u/m]],
  ["lease", "x", "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: x}\nspec: {holderIdentity: me}", [/Holder Identity: +me/]],
  ["controllerrevision", "own", "apiVersion: apps/v1\nkind: ControllerRevision\nmetadata: {name: own}\ndata: {a: b}\nrevision: 3", [/^Revision: +3$/m]],
  ["csistoragecapacity", "x", "apiVersion: storage.k8s.io/v1\nkind: CSIStorageCapacity\nmetadata: {name: x}\nstorageClassName: x\ncapacity: 1Gi", [/^Capacity: +1Gi$/m]],
  ["resourceclaim", "x", "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: x}\nspec: {devices: {requests: [{name: r, exactly: {deviceClassName: d}}]}}", [/Device Class Name: +d/]],
  ["resourceclaimtemplate", "x", "apiVersion: resource.k8s.io/v1\nkind: ResourceClaimTemplate\nmetadata: {name: x}\nspec: {spec: {devices: {requests: [{name: r, exactly: {deviceClassName: d}}]}}}", [/Device Class Name: +d/]],
];
/** Those at the scope of the cluster are made once, under names of their own. */
const ofTheCluster: typeof described = [
  ["clusterrole", "described", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: described}\nrules: [{nonResourceURLs: [/x], verbs: [get]}]", [/^ +\[\/x\] +\[\] +\[get\]$/m]],
  ["clusterrolebinding", "described", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: described}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}", [/^ +Kind: +ClusterRole$/m]],
  ["persistentvolume", "described", "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: described}\nspec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /tmp/x}}", [/^Reclaim Policy: +Retain$/m, /HostPathType:/]],
  ["storageclass", "described", "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: described}\nprovisioner: example.com/p", [/^VolumeBindingMode: +Immediate$/m]],
  ["volumeattributesclass", "described", "apiVersion: storage.k8s.io/v1\nkind: VolumeAttributesClass\nmetadata: {name: described}\ndriverName: a.example.com\nparameters: {a: b}", [/^DriverName: +a\.example\.com$/m]],
  ["csidriver", "described.example.com", "apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: described.example.com}", [/Attach Required: +true/]],
  ["csinode", "described", "apiVersion: storage.k8s.io/v1\nkind: CSINode\nmetadata: {name: described}\nspec: {drivers: [{name: a.example.com, nodeID: id}]}", [/a\.example\.com:/, /Node ID: +id/]],
  ["volumeattachment", "described", "apiVersion: storage.k8s.io/v1\nkind: VolumeAttachment\nmetadata: {name: described}\nspec: {attacher: a.example.com, nodeName: n1, source: {persistentVolumeName: p}}", [/Attacher: +a\.example\.com/]],
  ["priorityclass", "described", "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: described}\nvalue: 7", [/^Value: +7$/m, /^PreemptionPolicy: +PreemptLowerPriority$/m]],
  ["runtimeclass", "described", "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: described}\nhandler: h", [/^Handler: +h$/m]],
  ["ingressclass", "described", "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: described}\nspec: {controller: example.com/c}", [/^Controller: +example\.com\/c$/m]],
  ["servicecidr", "described", "apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: described}\nspec: {cidrs: [10.97.0.0/24]}", [/^CIDRs: +10\.97\.0\.0\/24$/m]],
  ["deviceclass", "described", "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: described}", [/^Kind: +DeviceClass$/m]],
  ["resourceslice", "described", "apiVersion: resource.k8s.io/v1\nkind: ResourceSlice\nmetadata: {name: described}\nspec: {driver: d.example.com, nodeName: n1, pool: {name: p, generation: 1, resourceSliceCount: 1}}", [/Driver: +d\.example\.com/]],
  ["validatingwebhookconfiguration", "described", "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: described}", [/^Kind: +ValidatingWebhookConfiguration$/m]],
  ["mutatingwebhookconfiguration", "described", "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: described}", [/^Kind: +MutatingWebhookConfiguration$/m]],
  ["validatingadmissionpolicybinding", "described", "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: described}\nspec: {policyName: p, validationActions: [Deny]}", [/Policy Name: +p/]],
  ["flowschema", "described", "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nmetadata: {name: described}\nspec: {priorityLevelConfiguration: {name: described}, matchingPrecedence: 9000}", [/Matching Precedence: +9000/]],
  ["prioritylevelconfiguration", "described", "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata: {name: described}\nspec: {type: Limited, limited: {nominalConcurrencyShares: 5, limitResponse: {type: Reject}}}", [/Type: +Limited/]],
  ["node", "n1", "", [/^Roles: +<none>$/m, /^ {2}Ready +True .* KubeletReady/m, /^PodCIDR: +10\.244\.\d+\.0\/24$/m]],
  ["namespace", "default", "", [/^Status: +Active$/m, /^No resource quota\.$/m]],
];

type Told = readonly [string, string | RegExp | readonly RegExp[], { readonly input?: string }?];
const steps = (table: typeof described): readonly Told[] => table.flatMap(([kind, name, manifest, says]): readonly Told[] => [
  ...(manifest === "" ? [] : [["create -f -", /created/, { input: manifest }] as const]),
  [`describe ${kind} ${name}`, [new RegExp(`^Name: +${quoted(name).source}$`, "m"), ...says]],
]);

describe("kubectl describes every kind", { concurrency: 2 }, () => {
  story("describe in a namespace", [
    ...steps(described),
    ["run p --image=a:1 --labels=of=describe", "pod/p created"],
    ["wait pod/p --for=condition=Ready --timeout=20s", "pod/p condition met"],
    ["describe pod p", [/^Status: +Running$/m, /^QoS Class: +BestEffort$/m, /^ {2}Ready +True $/m, /^ {2}Normal +Scheduled +\S+ +default-scheduler +Successfully assigned /m]],
    ["describe pod -l of=describe", /^Name: +p$/m],
    ["describe pod nope", 'Error from server (NotFound): pods "nope" not found', { code: 1 }],
    ["describe nopes", "error: the server doesn't have a resource type \"nopes\"", { code: 1 }],
    ["describe cm/x secret/x", [/^Name: +x$/m, /^Type: +Opaque$/m]],
  ]);
  story("describe at the scope of the cluster", steps(ofTheCluster));
  story("describe a rollout", [
    ["apply -f -", "deployment.apps/web created", { input: web() }],
    ["rollout status deploy/web --timeout=20s", /successfully rolled out/],
    ["describe deploy web", [/^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$/m, /^NewReplicaSet: +web-\w+ \(2\/2 replicas created\)$/m, /ScalingReplicaSet/]],
    ["describe rs -l app=web", [/^Controlled By: +Deployment\/web$/m, /^Pods Status: +2 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed$/m]],
  ]);
});
