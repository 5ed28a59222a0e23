import type { Json } from "./session.ts";

/** The order in which kubectl writes the fields of objects that it holds as types, in JSON. Others stay as they come. */
const metadataFields = [
  "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations",
  "ownerReferences", "finalizers", "managedFields",
];
const podSpecFields = (
  "volumes initContainers containers ephemeralContainers restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount automountServiceAccountToken nodeName " +
  "hostNetwork hostPID hostIPC shareProcessNamespace securityContext imagePullSecrets hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority dnsConfig readinessGates runtimeClassName " +
  "enableServiceLinks preemptionPolicy overhead topologySpreadConstraints setHostnameAsFQDN os hostUsers schedulingGates resourceClaims resources hostnameOverride workloadRef schedulingGroup"
).split(" ");
const containerFields = (
  "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath " +
  "terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty"
).split(" ");
const podStatusFields = "observedGeneration phase conditions message reason nominatedNodeName hostIP hostIPs podIP podIPs startTime initContainerStatuses containerStatuses qosClass ephemeralContainerStatuses resize".split(" ");
const containerPortFields = ["name", "hostPort", "containerPort", "protocol", "hostIP"];
const volumeMountFields = ["name", "readOnly", "recursiveReadOnly", "mountPath"];
const rootFields = ["kind", "apiVersion", "metadata"];

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

function ordered(value: unknown, fields: readonly string[], inside: (key: string, value: unknown) => unknown = (_, each) => each): unknown {
  if (!isObject(value)) return value;
  const known = fields.filter((field) => Object.hasOwn(value, field));
  return Object.fromEntries([...known, ...Object.keys(value).filter((key) => !fields.includes(key))].map((key) => [key, inside(key, value[key])]));
}
const each = (list: unknown, change: (item: unknown) => unknown): unknown => (Array.isArray(list) ? list.map(change) : list);

const container = (value: unknown): unknown => ordered(value, containerFields, (key, field) =>
  key === "ports" ? each(field, (port) => ordered(port, containerPortFields)) : key === "volumeMounts" ? each(field, (mount) => ordered(mount, volumeMountFields)) : field);
const volumeSource = (value: unknown): unknown => ordered(value, ["sources", "name", "secretName", "items", "medium", "path", "defaultMode"]);
const volume = (value: unknown): unknown => ordered(value, ["name"], (key, field) => (key === "name" ? field : volumeSource(field)));
const podSpec = (value: unknown): unknown => ordered(value, podSpecFields, (key, field) => (/^(c|initC|ephemeralC)ontainers$/.test(key) ? each(field, container) : key === "volumes" ? each(field, volume) : field));

/** @see metadataFields */
export const inTypedOrder = (object: Json): Json => ordered(object, rootFields, (key, value) => {
  if (key === "metadata") return ordered(value, metadataFields);
  if (key === "spec") return object["kind"] === "Pod" ? podSpec(value) : ordered(value, [], (name, field) => (name === "template" ? ordered(field, [], (part, inner) => (part === "spec" ? podSpec(inner) : inner)) : field));
  return key === "status" && object["kind"] === "Pod" ? ordered(value, podStatusFields) : value;
}) as Json;
