import { podQosClass } from "../../api/core/pod-qos.ts";
import { since } from "../../apimachinery/duration.ts";
import type { Session } from "../session.ts";
import { controllerText, dateText, describeAnnotations, describeContainers, describeEvents, describeLabels, describeResources, describeSpread, describeTolerations, describeVolumes, eventsOf } from "./common.ts";
import type { DescribeSettings } from "./describers.ts";
import { FieldWriter } from "./field-writer.ts";
import type { Container, Pod } from "./types.ts";

/** The class that the server recorded, or else what follows from the spec. */
const qosOf = (pod: Pod): string => (pod.status?.qosClass !== undefined && pod.status.qosClass !== "" ? pod.status.qosClass : podQosClass(pod));

export async function describePod(session: Session, object: Pod, settings: DescribeSettings): Promise<string> {
  const { metadata, spec, status } = object;
  const mirrored = metadata.annotations?.["kubernetes.io/config.mirror"];
  const events = settings.showEvents ? await eventsOf(session, { name: metadata.name ?? "", namespace: metadata.namespace ?? "", uid: mirrored ?? metadata.uid ?? "", kind: "" }) : undefined;
  const w = new FieldWriter();
  const optional = (title: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== "") w.line(0, `${title}:\t${value}`);
  };
  w.line(0, `Name:\t${metadata.name}`);
  w.line(0, `Namespace:\t${metadata.namespace}`);
  optional("Priority", spec?.priority);
  optional("Priority Class Name", spec?.priorityClassName);
  optional("Runtime Class Name", spec?.runtimeClassName);
  optional("Service Account", spec?.serviceAccountName);
  w.line(0, `Node:\t${spec?.nodeName === undefined || spec.nodeName === "" ? "<none>" : `${spec.nodeName}/${status?.hostIP ?? ""}`}`);
  if (status?.startTime !== undefined && status.startTime !== null) w.line(0, `Start Time:\t${dateText(status.startTime)}`);
  describeLabels(w, "Labels", metadata.labels);
  describeAnnotations(w, "Annotations", metadata.annotations);
  const over = status?.phase === "Failed" || status?.phase === "Succeeded";
  if (metadata.deletionTimestamp !== undefined && !over) {
    w.line(0, `Status:\tTerminating (lasts ${since(metadata.deletionTimestamp, session.now)})`);
    w.line(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds ?? 0}s`);
  } else w.line(0, `Status:\t${status?.phase ?? ""}`);
  optional("Reason", status?.reason);
  optional("Message", status?.message);
  const seccomp = spec?.securityContext?.seccompProfile;
  if (seccomp) w.line(0, `SeccompProfile:\t${seccomp.type}`);
  if (seccomp?.type === "Localhost") w.line(0, `LocalhostProfile:\t${seccomp.localhostProfile ?? ""}`);
  w.line(0, `IP:\t${status?.podIP ?? ""}`);
  const ips = status?.podIPs ?? [];
  w.line(0, `IPs:${ips.length === 0 ? "\t<none>" : ""}`);
  for (const { ip } of ips) w.line(1, `IP:\t${ip}`);
  optional("Controlled By", controllerText(object));
  optional("NominatedNodeName", status?.nominatedNodeName);
  if (spec?.resources) {
    w.line(0, "Resources:");
    describeResources(w, 1, spec.resources);
  }
  if ((spec?.initContainers ?? []).length > 0) describeContainers(w, "Init Containers", spec?.initContainers ?? [], status?.initContainerStatuses, object, "");
  describeContainers(w, "Containers", spec?.containers ?? [], status?.containerStatuses, object, "");
  if ((spec?.ephemeralContainers ?? []).length > 0) describeContainers(w, "Ephemeral Containers", (spec?.ephemeralContainers ?? []) as readonly Container[], status?.ephemeralContainerStatuses, object, "");
  if ((spec?.readinessGates ?? []).length > 0) {
    w.line(0, "Readiness Gates:\n  Type\tStatus");
    for (const { conditionType } of spec?.readinessGates ?? []) w.line(1, `${conditionType} \t${status?.conditions?.find(({ type }) => type === conditionType)?.status ?? "<none>"} `);
  }
  if ((status?.conditions ?? []).length > 0) {
    w.line(0, "Conditions:\n  Type\tStatus");
    for (const condition of status?.conditions ?? []) w.line(1, `${condition.type} \t${condition.status} `);
  }
  describeVolumes(w, spec?.volumes, "");
  w.line(0, `QoS Class:\t${qosOf(object)}`);
  describeLabels(w, "Node-Selectors", spec?.nodeSelector);
  describeTolerations(w, "Tolerations", spec?.tolerations);
  describeSpread(w, spec?.topologySpreadConstraints, "");
  describeEvents(w, events, session.now);
  return w.toString();
}
