/**
 * What clients are told about the columns of a table. Upstream takes most of these from the documentation of a field (`SwaggerDoc`), and so does the server here, with what
 * is installed; "=type field" names that field. The others upstream has as sentences of its own, and so have we, in our words. Names and ages are the same for all kinds.
 * Source of the rule: pkg/printers/internalversion/printers.go.
 */
const name = "=@ObjectMeta name";
const created = "=@ObjectMeta creationTimestamp";
const sharedColumns: Readonly<Record<string, string>> = { "Name": name, "Age": created, "Created At": created };

const containers = { Containers: "The names of the containers that the template asks for.", Images: "The images of the containers that the template asks for." };
const subjects = { Users: "The users that get the role.", Groups: "The groups that get the role.", ServiceAccounts: "The service accounts that get the role." };
const binding = { PolicyName: "The policy that is bound.", ParamRef: "The resource that holds the parameters of the policy." };
const webhooks = { Webhooks: "How many webhooks this configuration has." };
const readyPods = "How many pods are ready, of how many there should be.";

/** By "plural.group", then by the name of the column. */
const columnsOfKind: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "pods": {
    "Ready": "How many containers of the pod are ready, of how many there are.", "Status": "What the containers of the pod come to, taken together.",
    "Restarts": "How often containers of the pod were started again, and when the last time was.", "IP": "=~core.v1.PodStatus podIP", "Node": "=~core.v1.PodSpec nodeName",
    "Nominated Node": "=~core.v1.PodStatus nominatedNodeName", "Readiness Gates": "=~core.v1.PodSpec readinessGates",
  },
  "podtemplates": { ...containers, "Pod Labels": "The labels that pods get from the template." },
  "poddisruptionbudgets.policy": {
    "Min Available": "How many pods have to stay available.", "Max Unavailable": "How many pods may be unavailable.", "Allowed Disruptions": "How many more pods may be disrupted now.",
  },
  "replicationcontrollers": {
    ...containers, "Desired": "=~core.v1.ReplicationControllerSpec replicas", "Current": "=~core.v1.ReplicationControllerStatus replicas",
    "Ready": "=~core.v1.ReplicationControllerStatus readyReplicas", "Selector": "=~core.v1.ReplicationControllerSpec selector",
  },
  "replicasets.apps": {
    ...containers, "Desired": "=~apps.v1.ReplicaSetSpec replicas", "Current": "=~apps.v1.ReplicaSetStatus replicas", "Ready": "=~apps.v1.ReplicaSetStatus readyReplicas",
    "Selector": "=~apps.v1.ReplicaSetSpec selector",
  },
  "daemonsets.apps": {
    ...containers, "Desired": "=~apps.v1.DaemonSetStatus desiredNumberScheduled", "Current": "=~apps.v1.DaemonSetStatus currentNumberScheduled",
    "Ready": "=~apps.v1.DaemonSetStatus numberReady", "Up-to-date": "=~apps.v1.DaemonSetStatus updatedNumberScheduled", "Available": "=~apps.v1.DaemonSetStatus numberAvailable",
    "Node Selector": "=~core.v1.PodSpec nodeSelector", "Selector": "=~apps.v1.DaemonSetSpec selector",
  },
  "statefulsets.apps": { ...containers, Ready: readyPods },
  "deployments.apps": {
    ...containers, "Ready": readyPods, "Up-to-date": "=~apps.v1.DeploymentStatus updatedReplicas", "Available": "=~apps.v1.DeploymentStatus availableReplicas",
    "Selector": "=~apps.v1.DeploymentSpec selector",
  },
  "controllerrevisions.apps": { Controller: "The object that the revision is of.", Revision: "=~apps.v1.ControllerRevision revision" },
  "jobs.batch": {
    ...containers, Status: "Where the job stands.", Completions: "=~batch.v1.JobStatus succeeded", Duration: "How long the job took, or has taken so far.", Selector: "=~batch.v1.JobSpec selector",
  },
  "cronjobs.batch": {
    ...containers, "Schedule": "=~batch.v1.CronJobSpec schedule", "Timezone": "=~batch.v1.CronJobSpec timeZone", "Suspend": "=~batch.v1.CronJobSpec suspend",
    "Active": "=~batch.v1.CronJobStatus active", "Last Schedule": "=~batch.v1.CronJobStatus lastScheduleTime", "Selector": "=~batch.v1.JobSpec selector",
  },
  "services": {
    "Type": "=~core.v1.ServiceSpec type", "Cluster-IP": "=~core.v1.ServiceSpec clusterIP", "External-IP": "=~core.v1.ServiceSpec externalIPs", "Port(s)": "=~core.v1.ServiceSpec ports",
    "Selector": "=~core.v1.ServiceSpec selector",
  },
  "endpoints": { Endpoints: "=~core.v1.Endpoints subsets" },
  "endpointslices.discovery.k8s.io": {
    AddressType: "=~discovery.v1.EndpointSlice addressType", Ports: "=~discovery.v1.EndpointSlice ports", Endpoints: "=~discovery.v1.EndpointSlice endpoints",
  },
  "ingresses.networking.k8s.io": {
    Class: "The IngressClass that says who serves this.", Hosts: "The names of hosts that requests are told apart by.", Address: "Where the load balancer can be reached.",
    Ports: "The ports that are open: 80, and 443 where there is TLS.",
  },
  "ingressclasses.networking.k8s.io": { Controller: "Who serves ingresses of this class.", Parameters: "The resource that holds more parameters." },
  "networkpolicies.networking.k8s.io": { "Pod-Selector": "=~networking.v1.NetworkPolicySpec podSelector" },
  "servicecidrs.networking.k8s.io": { CIDRs: "=~networking.v1.ServiceCIDRSpec cidrs" },
  "ipaddresses.networking.k8s.io": { ParentRef: "=~networking.v1.IPAddressSpec parentRef" },
  "nodes": {
    "Status": "Whether the node is ready, and whether pods may be scheduled to it.", "Roles": "The roles that the labels of the node name.", "Version": "=~core.v1.NodeSystemInfo kubeletVersion",
    "Internal-IP": "=~core.v1.NodeStatus addresses", "External-IP": "=~core.v1.NodeStatus addresses", "OS-Image": "=~core.v1.NodeSystemInfo osImage",
    "Kernel-Version": "=~core.v1.NodeSystemInfo kernelVersion", "Container-Runtime": "=~core.v1.NodeSystemInfo containerRuntimeVersion",
  },
  "events": {
    "Last Seen": "=~core.v1.Event lastTimestamp", "Type": "=~core.v1.Event type", "Reason": "=~core.v1.Event reason", "Object": "=~core.v1.Event involvedObject",
    "Subobject": "=~core.v1.ObjectReference fieldPath", "Source": "=~core.v1.Event source", "Message": "=~core.v1.Event message", "First Seen": "=~core.v1.Event firstTimestamp",
    "Count": "=~core.v1.Event count",
  },
  "namespaces": { Status: "Whether the namespace is active or about to end." },
  "secrets": { Type: "=~core.v1.Secret type", Data: "=~core.v1.Secret data" },
  "configmaps": { Data: "=~core.v1.ConfigMap data" },
  "persistentvolumes": {
    "Capacity": "=~core.v1.PersistentVolumeSpec capacity", "Access Modes": "=~core.v1.PersistentVolumeSpec accessModes",
    "Reclaim Policy": "=~core.v1.PersistentVolumeSpec persistentVolumeReclaimPolicy", "Status": "=~core.v1.PersistentVolumeStatus phase", "Claim": "=~core.v1.PersistentVolumeSpec claimRef",
    "StorageClass": "The storage class that the volume is of.", "VolumeAttributesClass": "The class of attributes that the volume has.",
    "Reason": "=~core.v1.PersistentVolumeStatus reason", "VolumeMode": "=~core.v1.PersistentVolumeSpec volumeMode",
  },
  "persistentvolumeclaims": {
    "Status": "=~core.v1.PersistentVolumeClaimStatus phase", "Volume": "=~core.v1.PersistentVolumeClaimSpec volumeName", "Capacity": "=~core.v1.PersistentVolumeClaimStatus capacity",
    "Access Modes": "=~core.v1.PersistentVolumeClaimStatus accessModes", "StorageClass": "The storage class that the claim asks for.",
    "VolumeAttributesClass": "The class of attributes that the claim asks for.", "VolumeMode": "=~core.v1.PersistentVolumeClaimSpec volumeMode",
  },
  "componentstatuses": { Status: "Whether the component is healthy.", Message: "What the component says of its health.", Error: "What is wrong with the component." },
  "resourcequotas": { Request: "What is used and what may be used of requests, and of everything that is counted.", Limit: "What is used and what may be used of limits." },
  "horizontalpodautoscalers.autoscaling": {
    Reference: "=~autoscaling.v2.HorizontalPodAutoscalerSpec scaleTargetRef", Targets: "=~autoscaling.v2.HorizontalPodAutoscalerSpec metrics",
    MinPods: "=~autoscaling.v2.HorizontalPodAutoscalerSpec minReplicas", MaxPods: "=~autoscaling.v2.HorizontalPodAutoscalerSpec maxReplicas",
    Replicas: "=~autoscaling.v2.HorizontalPodAutoscalerStatus currentReplicas",
  },
  "scales.autoscaling": { Desired: "=~autoscaling.v1.ScaleSpec replicas", Available: "=~autoscaling.v1.ScaleStatus replicas" },
  "rolebindings.rbac.authorization.k8s.io": { ...subjects, Role: "=~rbac.v1.RoleBinding roleRef" },
  "clusterrolebindings.rbac.authorization.k8s.io": { ...subjects, Role: "=~rbac.v1.ClusterRoleBinding roleRef" },
  "certificatesigningrequests.certificates.k8s.io": {
    SignerName: "=~certificates.v1.CertificateSigningRequestSpec signerName", Requestor: "=~certificates.v1.CertificateSigningRequestSpec request",
    RequestedDuration: "=~certificates.v1.CertificateSigningRequestSpec expirationSeconds", Condition: "=~certificates.v1.CertificateSigningRequestStatus conditions",
  },
  "leases.coordination.k8s.io": { Holder: "=~coordination.v1.LeaseSpec holderIdentity" },
  "storageclasses.storage.k8s.io": {
    Provisioner: "=~storage.v1.StorageClass provisioner", ReclaimPolicy: "=~storage.v1.StorageClass reclaimPolicy", VolumeBindingMode: "=~storage.v1.StorageClass volumeBindingMode",
    AllowVolumeExpansion: "=~storage.v1.StorageClass allowVolumeExpansion",
  },
  "volumeattributesclasses.storage.k8s.io": { DriverName: "=~storage.v1.VolumeAttributesClass driverName" },
  "volumeattachments.storage.k8s.io": {
    Attacher: "=~storage.v1.VolumeAttachmentSpec attacher", PV: "=~storage.v1.VolumeAttachmentSource persistentVolumeName", Node: "=~storage.v1.VolumeAttachmentSpec nodeName",
    Attached: "=~storage.v1.VolumeAttachmentStatus attached",
  },
  "csinodes.storage.k8s.io": { Drivers: "How many CSI drivers are registered on the node." },
  "csidrivers.storage.k8s.io": {
    AttachRequired: "=~storage.v1.CSIDriverSpec attachRequired", PodInfoOnMount: "=~storage.v1.CSIDriverSpec podInfoOnMount", StorageCapacity: "=~storage.v1.CSIDriverSpec storageCapacity",
    TokenRequests: "=~storage.v1.CSIDriverSpec tokenRequests", RequiresRepublish: "=~storage.v1.CSIDriverSpec requiresRepublish", Modes: "=~storage.v1.CSIDriverSpec volumeLifecycleModes",
  },
  "priorityclasses.scheduling.k8s.io": {
    "Value": "=~scheduling.v1.PriorityClass value", "Global-Default": "=~scheduling.v1.PriorityClass globalDefault", "PreemptionPolicy": "=~scheduling.v1.PriorityClass preemptionPolicy",
  },
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": webhooks,
  "validatingwebhookconfigurations.admissionregistration.k8s.io": webhooks,
  "validatingadmissionpolicies.admissionregistration.k8s.io": { Validations: "How many validations the policy has.", ParamKind: "The kind of the policy's parameters." },
  "validatingadmissionpolicybindings.admissionregistration.k8s.io": binding,
  "mutatingadmissionpolicies.admissionregistration.k8s.io": { Mutations: "How many mutations the policy has.", ParamKind: "The kind of the policy's parameters." },
  "mutatingadmissionpolicybindings.admissionregistration.k8s.io": binding,
  "flowschemas.flowcontrol.apiserver.k8s.io": {
    PriorityLevel: "=~flowcontrol.v1.PriorityLevelConfigurationReference name", MatchingPrecedence: "=~flowcontrol.v1.FlowSchemaSpec matchingPrecedence",
    DistinguisherMethod: "=~flowcontrol.v1.FlowSchemaSpec distinguisherMethod", MissingPL: "Whether the priority level that is named is missing.",
  },
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": {
    Type: "=~flowcontrol.v1.PriorityLevelConfigurationSpec type", NominalConcurrencyShares: "=~flowcontrol.v1.LimitedPriorityLevelConfiguration nominalConcurrencyShares",
    Queues: "=~flowcontrol.v1.QueuingConfiguration queues", HandSize: "=~flowcontrol.v1.QueuingConfiguration handSize",
    QueueLengthLimit: "=~flowcontrol.v1.QueuingConfiguration queueLengthLimit",
  },
  "resourceclaims.resource.k8s.io": { State: "Whether the claim is pending, allocated, reserved or about to end." },
  "resourceslices.resource.k8s.io": { Node: "=~resource.v1.ResourceSliceSpec nodeName", Driver: "=~resource.v1.ResourceSliceSpec driver", Pool: "=~resource.v1.ResourcePool name" },
  "apiservices.apiregistration.k8s.io": { Service: "The service that answers for this version of the API.", Available: "Whether it answers." },
};

/** Events are printed as those of the core group, whichever group they are asked for in. */
const sameAs: Readonly<Record<string, string>> = { "events.events.k8s.io": "events" };

/** Where the description of a column comes from: a field of a type, or a sentence. */
export type ColumnDescription = { readonly is: "field"; readonly type: string; readonly field: string } | { readonly is: "text"; readonly text: string };

const expand = (type: string): string => type.replace(/^~/, "io.k8s.api.").replace(/^@/, "io.k8s.apimachinery.pkg.apis.meta.v1.");

/** Undefined for columns that upstream does not describe either (the handler of a RuntimeClass). */
export function columnDescription({ group, plural }: { readonly group: string; readonly plural: string }, column: string): ColumnDescription | undefined {
  const kind = group === "" ? plural : `${plural}.${group}`;
  const found = columnsOfKind[sameAs[kind] ?? kind]?.[column] ?? sharedColumns[column];
  if (found === undefined) return undefined;
  if (!found.startsWith("=")) return { is: "text", text: found };
  const [type = "", field = ""] = found.slice(1).split(" ");
  return { is: "field", type: expand(type), field };
}
