import type { Container, ContainerStatus, CoreEvent, Pod, PodSpec, PodTemplateSpec, Probe, Volume } from "./types.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { controllerOf } from "../../apimachinery/object.ts";
import { formatLabelMatcher, labelMatcherOf } from "../../apimachinery/label-selector.ts";
import { canonicalQuantity, compareQuantities, quantityMilliValue, quantityValue } from "../../apimachinery/quantity.ts";
import { since } from "../../apimachinery/duration.ts";
import { lastAppliedAnnotation } from "../last-applied.ts";
import { pathOf } from "../discovery.ts";
import type { Session } from "../session.ts";
import type { FieldWriter } from "./field-writer.ts";

const annotationCharactersMax = 140;
const sorted = <T>(record: Readonly<Record<string, T>> | undefined): readonly (readonly [string, T])[] => Object.entries(record ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
const pad = (value: number, width = 2): string => String(value).padStart(width, "0");
const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "Mon, 02 Jan 2006 15:04:05 -0700", in the time of this machine. */
export function dateText(timestamp: string | null | undefined): string {
  if (timestamp === null || timestamp === undefined) return "Mon, 01 Jan 0001 00:00:00 +0000";
  const date = new Date(timestamp);
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${pad(Math.trunc(Math.abs(offset) / 60))}${pad(Math.abs(offset) % 60)}`;
  return `${days[date.getDay()]}, ${pad(date.getDate())} ${months[date.getMonth()]} ${date.getFullYear()} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())} ${zone}`;
}

export function describeLabels(w: FieldWriter, title: string, labels: Readonly<Record<string, string>> | undefined): void {
  const entries = sorted(labels);
  w.write(0, `${title}:\t`);
  if (entries.length === 0) w.line(0, "<none>");
  entries.forEach(([key, value], index) => w.line(0, `${index > 0 ? "\t" : ""}${key}=${value}`));
}

const shortened = (text: string, max: number): string => (Buffer.byteLength(text) > max ? `${Buffer.from(text).subarray(0, max).toString("utf8")}...` : text);

export function describeAnnotations(w: FieldWriter, title: string, annotations: Readonly<Record<string, string>> | undefined): void {
  const entries = sorted(annotations).filter(([key]) => key !== lastAppliedAnnotation);
  w.write(0, `${title}:\t`);
  if (entries.length === 0) w.line(0, "<none>");
  entries.forEach(([key, raw], index) => {
    if (index > 0) w.write(0, "\t");
    const value = raw.endsWith("\n") ? raw.slice(0, -1) : raw;
    if (Buffer.byteLength(value) + Buffer.byteLength(key) + 2 > annotationCharactersMax || value.includes("\n")) {
      w.line(0, `${key}:`);
      for (const each of value.split("\n")) w.line(0, `\t  ${shortened(each, annotationCharactersMax - 2)}`);
    } else w.line(0, `${key}: ${value}`);
  });
}

export const controllerText = (object: KubeObject): string | undefined => {
  const owner = controllerOf(object);
  return owner && `${owner.kind}/${owner.name}`;
};

export function describeResources(w: FieldWriter, level: number, resources: { readonly limits?: Readonly<Record<string, string | number>>; readonly requests?: Readonly<Record<string, string | number>> } | undefined): void {
  for (const [title, list] of [["Limits", resources?.limits], ["Requests", resources?.requests]] as const) {
    if (Object.keys(list ?? {}).length > 0) w.line(level, `${title}:`);
    for (const [name, quantity] of sorted(list)) w.line(level + 1, `${name}:\t${canonicalQuantity(quantity)}`);
  }
}

function portsText(ports: Container["ports"], which: "containerPort" | "hostPort"): string {
  return (ports ?? []).map((port) => `${port[which] ?? 0}/${port.protocol ?? ""}${port.name === undefined ? "" : ` (${port.name})`}`).join(", ");
}

export function probeText(probe: Probe): string {
  const attributes = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 0}s period=${probe.periodSeconds ?? 0}s #success=${probe.successThreshold ?? 0} #failure=${probe.failureThreshold ?? 0}`;
  if (probe.exec) return `exec [${(probe.exec.command ?? []).join(" ")}] ${attributes}`;
  if (probe.httpGet) return `http-get ${(probe.httpGet.scheme ?? "").toLowerCase()}://${probe.httpGet.host ?? ""}:${probe.httpGet.port}${probe.httpGet.path ?? ""} ${attributes}`;
  if (probe.tcpSocket) return `tcp-socket ${probe.tcpSocket.host ?? ""}:${probe.tcpSocket.port} ${attributes}`;
  if (probe.grpc) return `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ""} ${attributes}`;
  return `unknown ${attributes}`;
}

function describeState(w: FieldWriter, title: string, state: ContainerStatus["state"]): void {
  if (state?.running) {
    w.line(2, `${title}:\tRunning`);
    w.line(3, `Started:\t${dateText(state.running.startedAt)}`);
  } else if (state?.terminated) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
    w.line(2, `${title}:\tTerminated`);
    if (reason !== undefined && reason !== "") w.line(3, `Reason:\t${reason}`);
    if (message !== undefined && message !== "") w.line(3, `Message:\t${message}`);
    w.line(3, `Exit Code:\t${exitCode ?? 0}`);
    if ((signal ?? 0) > 0) w.line(3, `Signal:\t${signal}`);
    w.line(3, `Started:\t${dateText(startedAt)}`);
    w.line(3, `Finished:\t${dateText(finishedAt)}`);
  } else {
    w.line(2, `${title}:\tWaiting`);
    if (state?.waiting?.reason !== undefined && state.waiting.reason !== "") w.line(3, `Reason:\t${state.waiting.reason}`);
  }
}

/** Of the fields of a pod kubectl knows only its name and namespace by their paths; of others it shows the path alone. */
function fieldOf({ metadata }: Pod, path: string): string {
  return (path === "metadata.name" ? metadata.name : path === "metadata.namespace" ? metadata.namespace : undefined) ?? "";
}

/** What `limits.cpu` and the like come to, in the divisor's units, rounded up. */
function resourceValue(container: Container, resource: string, divisor: string | number | undefined): string {
  const [list = "", ...name] = resource.split(".");
  const quantity = container.resources?.[list as "limits" | "requests"]?.[name.join(".")];
  if (quantity === undefined) return "0";
  const unit = divisor === undefined || compareQuantities(divisor, 0) === 0 ? 1 : divisor;
  return resource.endsWith(".cpu") ? String(Math.ceil(quantityMilliValue(quantity) / quantityMilliValue(unit))) : String(Math.ceil(quantityValue(quantity) / quantityValue(unit)));
}

function describeEnv(w: FieldWriter, container: Container, pod: Pod | undefined): void {
  w.line(2, `Environment:${(container.env ?? []).length === 0 ? "\t<none>" : ""}`);
  for (const { name, value = "", valueFrom } of container.env ?? []) {
    if (!valueFrom) value.split("\n").forEach((line, index) => w.line(3, index === 0 ? `${name}:\t${line}` : `\t${line}`));
    else if (valueFrom.fieldRef) w.line(3, `${name}:\t${pod ? fieldOf(pod, valueFrom.fieldRef.fieldPath) : ""} (${valueFrom.fieldRef.apiVersion ?? ""}:${valueFrom.fieldRef.fieldPath})`);
    else if (valueFrom.resourceFieldRef) {
      const { resource, divisor } = valueFrom.resourceFieldRef;
      const found = resourceValue(container, resource, divisor);
      w.line(3, `${name}:\t${found === "0" && (resource === "limits.cpu" || resource === "limits.memory") ? "node allocatable" : found} (${resource})`);
    } else if (valueFrom.secretKeyRef) w.line(3, `${name}:\t<set to the key '${valueFrom.secretKeyRef.key}' in secret '${valueFrom.secretKeyRef.name ?? ""}'>\tOptional: ${valueFrom.secretKeyRef.optional ?? false}`);
    else if (valueFrom.configMapKeyRef) w.line(3, `${name}:\t<set to the key '${valueFrom.configMapKeyRef.key}' of config map '${valueFrom.configMapKeyRef.name ?? ""}'>\tOptional: ${valueFrom.configMapKeyRef.optional ?? false}`);
  }
}

function describeEnvFrom(w: FieldWriter, container: Container): void {
  if ((container.envFrom ?? []).length === 0) return;
  w.line(2, "Environment Variables from:");
  for (const { configMapRef, secretRef, prefix = "" } of container.envFrom ?? []) {
    const [kind, ref] = configMapRef ? ["ConfigMap", configMapRef] as const : ["Secret", secretRef] as const;
    w.line(3, `${ref?.name ?? ""}\t${kind}${prefix === "" ? "" : ` with prefix '${prefix}'`}\tOptional: ${ref?.optional ?? false}`);
  }
}

function describeMounts(w: FieldWriter, container: Container): void {
  w.line(2, `Mounts:${(container.volumeMounts ?? []).length === 0 ? "\t<none>" : ""}`);
  for (const { mountPath, name, readOnly, subPath = "" } of (container.volumeMounts ?? []).toSorted((a, b) => (a.mountPath < b.mountPath ? -1 : 1))) {
    w.line(3, `${mountPath} from ${name} (${readOnly === true ? "ro" : "rw"}${subPath === "" ? "" : `,path=${JSON.stringify(subPath)}`})`);
  }
  if ((container.volumeDevices ?? []).length > 0) w.line(2, `Devices:${(container.volumeMounts ?? []).length === 0 ? "\t<none>" : ""}`);
  for (const { devicePath, name } of (container.volumeDevices ?? []).toSorted((a, b) => (a.devicePath < b.devicePath ? -1 : 1))) w.line(3, `${devicePath} from ${name}`);
}

export function describeContainers(w: FieldWriter, label: string, containers: readonly Container[], statuses: readonly ContainerStatus[] | undefined, pod: Pod | undefined, space: string): void {
  w.line(0, `${space}${label}:${containers.length === 0 ? " <none>" : ""}`);
  for (const container of containers) {
    const status = statuses?.find(({ name }) => name === container.name);
    w.line(1, `${space === "" ? "" : " "}${container.name}:`);
    if (status) w.line(2, `Container ID:\t${status.containerID ?? ""}`);
    w.line(2, `Image:\t${container.image ?? ""}`);
    if (status) w.line(2, `Image ID:\t${status.imageID ?? ""}`);
    for (const [title, which] of [["Port", "containerPort"], ["Host Port", "hostPort"]] as const) {
      const text = portsText(container.ports, which);
      w.line(2, text.includes(",") ? `${title}s:\t${text}` : `${title}:\t${text === "" ? "<none>" : text}`);
    }
    const seccomp = container.securityContext?.seccompProfile;
    if (seccomp) w.line(2, `SeccompProfile:\t${seccomp.type}`);
    if (seccomp?.type === "Localhost") w.line(3, `LocalhostProfile:\t${seccomp.localhostProfile ?? ""}`);
    for (const [title, words] of [["Command", container.command], ["Args", container.args]] as const) {
      if ((words ?? []).length === 0) continue;
      w.line(2, `${title}:`);
      for (const word of words ?? []) for (const line of word.split("\n")) w.line(3, line);
    }
    if (status) {
      describeState(w, "State", status.state);
      if (status.lastState?.terminated) describeState(w, "Last State", status.lastState);
      w.line(2, `Ready:\t${status.ready ? "True" : "False"}`);
      w.line(2, `Restart Count:\t${status.restartCount}`);
    }
    describeResources(w, 2, container.resources);
    for (const [title, probe] of [["Liveness", container.livenessProbe], ["Readiness", container.readinessProbe], ["Startup", container.startupProbe]] as const) if (probe) w.line(2, `${title}:\t${probeText(probe)}`);
    describeEnvFrom(w, container);
    describeEnv(w, container, pod);
    describeMounts(w, container);
  }
}

/** Type and fields of a volume's source, as far as clusters of today have them; others are shown as unknown. */
function volumeLines({ hostPath, emptyDir, secret, configMap, persistentVolumeClaim, projected, downwardAPI, nfs, csi, image, ephemeral }: Volume): readonly string[] {
  if (hostPath) return ["Type:\tHostPath (bare host directory volume)", `Path:\t${hostPath.path}`, `HostPathType:\t${hostPath.type ?? "<none>"}`];
  if (emptyDir) {
    const limit = emptyDir.sizeLimit;
    return ["Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)", `Medium:\t${emptyDir.medium ?? ""}`, `SizeLimit:\t${limit !== undefined && compareQuantities(limit, 0) > 0 ? canonicalQuantity(limit) : "<unset>"}`];
  }
  if (secret) return ["Type:\tSecret (a volume populated by a Secret)", `SecretName:\t${secret.secretName ?? ""}`, `Optional:\t${secret.optional ?? false}`];
  if (configMap) return ["Type:\tConfigMap (a volume populated by a ConfigMap)", `Name:\t${configMap.name ?? ""}`, `Optional:\t${configMap.optional ?? false}`];
  if (nfs) return ["Type:\tNFS (an NFS mount that lasts the lifetime of a pod)", `Server:\t${nfs.server}`, `Path:\t${nfs.path}`, `ReadOnly:\t${nfs.readOnly ?? false}`];
  if (persistentVolumeClaim) return ["Type:\tPersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)", `ClaimName:\t${persistentVolumeClaim.claimName}`, `ReadOnly:\t${persistentVolumeClaim.readOnly ?? false}`];
  if (ephemeral) return ["Type:\tEphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)"];
  if (downwardAPI) {
    return ["Type:\tDownwardAPI (a volume populated by information about the pod)", "Items:", ...(downwardAPI.items ?? []).map(({ fieldRef, resourceFieldRef, path }) => `  ${fieldRef?.fieldPath ?? resourceFieldRef?.resource ?? ""} -> ${path}`)];
  }
  if (projected) {
    return ["Type:\tProjected (a volume that contains injected data from multiple sources)", ...(projected.sources ?? []).flatMap((source): readonly string[] => {
      if (source.secret) return [`SecretName:\t${source.secret.name ?? ""}`, `Optional:\t${source.secret.optional ?? false}`];
      if (source.downwardAPI) return ["DownwardAPI:\ttrue"];
      if (source.configMap) return [`ConfigMapName:\t${source.configMap.name ?? ""}`, `Optional:\t${source.configMap.optional ?? false}`];
      return source.serviceAccountToken ? [`TokenExpirationSeconds:\t${source.serviceAccountToken.expirationSeconds ?? 0}`] : [];
    })];
  }
  if (csi) {
    const attributes = sorted(csi.volumeAttributes);
    return ["Type:\tCSI (a Container Storage Interface (CSI) volume source)", `Driver:\t${csi.driver}`, `FSType:\t${csi.fsType ?? ""}`, `ReadOnly:\t${csi.readOnly ?? false}`,
      ...(attributes.length === 0 ? ["VolumeAttributes:\t<none>"] : attributes.map(([key, value], index) => `${index === 0 ? "VolumeAttributes:" : "    "}\t    ${key}=${value}`))];
  }
  if (image) return ["Type:\tImage (a container image or OCI artifact)", `Reference:\t${image.reference ?? ""}`, `PullPolicy:\t${image.pullPolicy ?? ""}`];
  return [];
}

export function describeVolumes(w: FieldWriter, volumes: readonly Volume[] | undefined, space: string): void {
  if ((volumes ?? []).length === 0) return w.line(0, `${space}Volumes:\t<none>`);
  w.line(0, `${space}Volumes:`);
  for (const volume of volumes ?? []) {
    w.line(1, `${space === "" ? "" : " "}${volume.name}:`);
    const lines = volumeLines(volume);
    if (lines.length === 0) w.line(1, "<unknown>");
    for (const line of lines) w.line(2, line);
  }
}

export function describeTolerations(w: FieldWriter, title: string, tolerations: PodSpec["tolerations"]): void {
  w.write(0, `${title}:\t`);
  const all = (tolerations ?? []).toSorted((a, b) => ((a.key ?? "") < (b.key ?? "") ? -1 : (a.key ?? "") > (b.key ?? "") ? 1 : 0));
  if (all.length === 0) w.line(0, "<none>");
  all.forEach(({ key = "", value = "", effect = "", operator, tolerationSeconds }, index) => {
    const exists = operator === "Exists" && value === "" ? (key !== "" || effect !== "" ? " op=Exists" : "op=Exists") : "";
    w.line(0, `${index > 0 ? "\t" : ""}${key}${value === "" ? "" : `=${value}`}${effect === "" ? "" : `:${effect}`}${exists}${tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`}`);
  });
}

export function describeSpread(w: FieldWriter, constraints: PodSpec["topologySpreadConstraints"], space: string): void {
  if ((constraints ?? []).length === 0) return;
  w.write(0, `${space}Topology Spread Constraints:\t`);
  (constraints ?? []).toSorted((a, b) => (a.topologyKey < b.topologyKey ? -1 : 1)).forEach(({ topologyKey, whenUnsatisfiable, maxSkew, labelSelector }, index) => {
    w.line(0, `${index > 0 ? `${space}\t` : ""}${topologyKey}:${whenUnsatisfiable} when max skew ${maxSkew} is exceeded${labelSelector ? ` for selector ${formatLabelMatcher(labelMatcherOf(labelSelector))}` : ""}`);
  });
}

export function describeTemplate(w: FieldWriter, template: PodTemplateSpec): void {
  const { metadata, spec } = template;
  w.line(0, "Pod Template:");
  describeLabels(w, "  Labels", metadata?.labels);
  if (Object.keys(metadata?.annotations ?? {}).length > 0) describeAnnotations(w, "  Annotations", metadata?.annotations);
  if ((spec?.serviceAccountName ?? "") !== "") w.line(1, `Service Account:\t${spec?.serviceAccountName}`);
  if ((spec?.initContainers ?? []).length > 0) describeContainers(w, "Init Containers", spec?.initContainers ?? [], undefined, undefined, "  ");
  describeContainers(w, "Containers", spec?.containers ?? [], undefined, undefined, "  ");
  describeVolumes(w, spec?.volumes, "  ");
  describeSpread(w, spec?.topologySpreadConstraints, "  ");
  if ((spec?.priorityClassName ?? "") !== "") w.line(1, `Priority Class Name:\t${spec?.priorityClassName}`);
  describeLabels(w, "  Node-Selectors", spec?.nodeSelector);
  describeTolerations(w, "  Tolerations", spec?.tolerations);
}

/** The events about an object, oldest first; undefined when they cannot be seen. */
export async function eventsOf(session: Session, about: { readonly name: string; readonly namespace: string; readonly uid: string; readonly kind: string }): Promise<readonly CoreEvent[] | undefined> {
  const mapping = (await session.discovery()).ofKind("", "v1", "Event");
  if (!mapping) return undefined;
  const { name, namespace, uid, kind } = about;
  const selector = [["involvedObject.name", name], ["involvedObject.namespace", namespace], ["involvedObject.kind", kind], ["involvedObject.uid", uid]].filter(([, value]) => value !== "").map(([key, value]) => `${key}=${value}`).join(",");
  try {
    const { items } = await session.json<{ readonly items?: readonly CoreEvent[] }>({ method: "GET", path: pathOf(mapping, { namespace }), query: { fieldSelector: selector, limit: "500" } });
    return items ?? [];
  } catch (error) {
    session.signal.throwIfAborted();
    void error; // Somebody may see a pod and not its events; kubectl shows the pod then.
    return undefined;
  }
}

export function describeEvents(w: FieldWriter, events: readonly CoreEvent[] | undefined, now: number): void {
  if (!events) return;
  if (events.length === 0) return w.line(0, "Events:\t<none>");
  w.flush();
  w.line(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage");
  w.line(1, "----\t------\t----\t----\t-------");
  for (const event of events.toSorted((a, b) => ((a.lastTimestamp ?? "") < (b.lastTimestamp ?? "") ? -1 : (a.lastTimestamp ?? "") > (b.lastTimestamp ?? "") ? 1 : 0))) {
    const first = since(event.eventTime ?? event.firstTimestamp, now);
    const age = event.series ? `${since(event.series.lastObservedTime, now)} (x${event.series.count} over ${first})` : (event.count ?? 0) > 1 ? `${since(event.lastTimestamp, now)} (x${event.count} over ${first})` : first;
    const source = event.source?.component !== undefined && event.source.component !== "" ? event.source.component : (event.reportingComponent ?? "");
    const field = event.involvedObject.fieldPath ?? "";
    w.line(1, `${event.type ?? ""}\t${event.reason ?? ""}\t${age}\t${source}\t${field === "" ? "" : `${field}: `}${(event.message ?? "").trim()}`);
  }
}
