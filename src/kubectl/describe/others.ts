import type { Deployment, ReplicaSet } from "../../api/generated/apps-v1.ts";
import type { ConfigMap, LimitRange, Namespace, ResourceQuota, Secret, Service, ServiceAccount } from "../../api/generated/core-v1.ts";
import type { EndpointSlice } from "../../api/generated/discovery-v1.ts";
import { equal } from "../../stdx/equal.ts";
import { formatLabelMatcher, labelMatcherOf } from "../../apimachinery/label-selector.ts";
import { canonicalQuantity } from "../../apimachinery/quantity.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { goText } from "../../apimachinery/go-text.ts";
import type { Json, Session } from "../session.ts";
import { controllerText, dateText, describeAnnotations, describeEvents, describeLabels, describeTemplate, eventsOf } from "./common.ts";
import type { DescribeSettings } from "./describers.ts";
import { FieldWriter } from "./field-writer.ts";
import type { CoreEvent, Pod } from "./types.ts";

const events = async (session: Session, { metadata, kind }: KubeObject, { showEvents }: DescribeSettings): Promise<readonly CoreEvent[] | undefined> =>
  (showEvents ? eventsOf(session, { name: metadata.name ?? "", namespace: metadata.namespace ?? "", uid: metadata.uid ?? "", kind }) : undefined);

const listOf = async <T>(session: Session, path: string, query: Readonly<Record<string, string>> = {}): Promise<readonly T[]> => (await session.json<{ readonly items?: readonly T[] }>({ method: "GET", path, query })).items ?? [];

function head({ metadata }: KubeObject): FieldWriter {
  const w = new FieldWriter();
  w.line(0, `Name:\t${metadata.name}`);
  w.line(0, `Namespace:\t${metadata.namespace}`);
  return w;
}

export async function describeNamespace(session: Session, namespace: Namespace): Promise<string> {
  const { metadata, status } = namespace;
  const base = `/api/v1/namespaces/${encodeURIComponent(metadata.name ?? "")}`;
  const [quotas, ranges] = await Promise.all([listOf<ResourceQuota>(session, `${base}/resourcequotas`), listOf<LimitRange>(session, `${base}/limitranges`)]);
  const w = new FieldWriter();
  w.line(0, `Name:\t${metadata.name}`);
  describeLabels(w, "Labels", metadata.labels);
  describeAnnotations(w, "Annotations", metadata.annotations);
  w.line(0, `Status:\t${status?.phase ?? ""}`);
  if ((status?.conditions ?? []).length > 0) {
    w.line(0, "Conditions:");
    w.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
    w.line(1, "----\t------\t------------------\t------\t-------");
    for (const each of status?.conditions ?? []) w.line(1, `${each.type}\t${each.status}\t${dateText(each.lastTransitionTime)}\t${each.reason ?? ""}\t${each.message ?? ""}`);
  }
  w.line(0, "");
  if (quotas.length === 0) w.line(0, "No resource quota.");
  else {
    w.write(0, "Resource Quotas\n");
    for (const quota of quotas.toSorted((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1))) {
      w.line(1, `Name:\t${quota.metadata.name}`);
      w.line(1, "Resource\tUsed\tHard");
      w.line(1, "--------\t---\t---");
      for (const [name, hard] of Object.entries(quota.status?.hard ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))) w.line(1, `${name}\t${canonicalQuantity(quota.status?.used?.[name] ?? 0)}\t${canonicalQuantity(hard)}`);
    }
  }
  w.line(0, "");
  if (ranges.length === 0) w.line(0, "No LimitRange resource.");
  else {
    w.line(0, "Resource Limits");
    w.line(0, " Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    w.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    for (const { spec } of ranges) for (const item of spec?.limits ?? []) {
      const lists = [item.min, item.max, item.defaultRequest, item.default, item.maxLimitRequestRatio];
      for (const name of [...new Set(lists.flatMap((list) => Object.keys(list ?? {})))].toSorted()) w.line(0, ` ${item.type}\t${name}\t${lists.map((list) => (list?.[name] === undefined ? "-" : canonicalQuantity(list[name] ?? 0))).join("\t")}`);
    }
  }
  return w.toString();
}

function endpointsText(slices: readonly EndpointSlice[], portName: string): string {
  if (slices.length === 0) return "<none>";
  const max = 3;
  const all = slices.flatMap(({ ports: named, endpoints }) => {
    const ports = named ?? [];
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    if (ports.length === 0) return ready.map(({ addresses }) => addresses[0] ?? "");
    return ports.filter(({ name = "" }) => name === portName).flatMap(({ port }) => ready.map(({ addresses: [address = ""] }) => `${address.includes(":") ? `[${address}]` : address}:${port ?? 0}`));
  });
  return all.length > max ? `${all.slice(0, max).join(",")} + ${all.length - max} more...` : all.join(",");
}

export async function describeService(session: Session, service: Service, settings: DescribeSettings): Promise<string> {
  const { metadata, spec, status } = service;
  const [slices, told] = await Promise.all([
    listOf<EndpointSlice>(session, `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(metadata.namespace ?? "")}/endpointslices`, { labelSelector: `kubernetes.io/service-name=${metadata.name}` }), events(session, service, settings),
  ]);
  const w = head(service);
  const optional = (title: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== "" && value !== 0) w.line(0, `${title}:\t${value}`);
  };
  describeLabels(w, "Labels", metadata.labels);
  describeAnnotations(w, "Annotations", metadata.annotations);
  w.line(0, `Selector:\t${Object.entries(spec?.selector ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`).join(",") || "<none>"}`);
  w.line(0, `Type:\t${spec?.type ?? ""}`);
  optional("IP Family Policy", spec?.ipFamilyPolicy);
  w.line(0, `IP Families:\t${(spec?.ipFamilies ?? []).join(",") || "<none>"}`);
  w.line(0, `IP:\t${spec?.clusterIP ?? ""}`);
  w.line(0, `IPs:\t${(spec?.clusterIPs ?? []).join(",") || "<none>"}`);
  optional("External IPs", (spec?.externalIPs ?? []).join(","));
  optional("Desired LoadBalancer IP", spec?.loadBalancerIP);
  optional("External Name", spec?.externalName);
  optional("LoadBalancer Ingress", (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname = "", ipMode }) => (ip === undefined || ip === "" ? hostname : `${ip}${ipMode === undefined ? "" : ` (${ipMode})`}`)).join(", "));
  for (const { name = "", port, protocol = "", targetPort, appProtocol, nodePort = 0 } of spec?.ports ?? []) {
    const shown = name === "" ? "<unset>" : name;
    w.line(0, `Port:\t${shown}\t${port}/${protocol}`);
    w.line(0, `TargetPort:\t${targetPort ?? 0}/${protocol}`);
    optional("AppProtocol", appProtocol);
    if (nodePort !== 0) w.line(0, `NodePort:\t${shown}\t${nodePort}/${protocol}`);
    w.line(0, `Endpoints:\t${endpointsText(slices, name)}`);
  }
  w.line(0, `Session Affinity:\t${spec?.sessionAffinity ?? ""}`);
  optional("External Traffic Policy", spec?.externalTrafficPolicy);
  optional("Internal Traffic Policy", spec?.internalTrafficPolicy);
  optional("HealthCheck NodePort", spec?.healthCheckNodePort);
  optional("LoadBalancer Source Ranges", (spec?.loadBalancerSourceRanges ?? []).join(","));
  optional("Traffic Distribution", spec?.trafficDistribution);
  describeEvents(w, told, session.now);
  return w.toString();
}

function describeConditions(w: FieldWriter, conditions: readonly { readonly type: string; readonly status: string; readonly reason?: string }[] = []): void {
  if (conditions.length === 0) return;
  w.line(0, "Conditions:\n  Type\tStatus\tReason");
  w.line(1, "----\t------\t------");
  for (const { type, status, reason = "" } of conditions) w.line(1, `${type} \t${status}\t${reason}`);
}

const withoutHash = (template: unknown): unknown => {
  const { metadata, ...rest } = (template ?? {}) as { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } };
  const { "pod-template-hash": _hash, ...labels } = metadata?.labels ?? {};
  return { ...rest, metadata: { ...metadata, labels } };
};

export async function describeDeployment(session: Session, deployment: Deployment, settings: DescribeSettings): Promise<string> {
  const { metadata, spec, status } = deployment;
  const selector = formatLabelMatcher(labelMatcherOf(spec?.selector));
  const [sets, told] = await Promise.all([
    listOf<ReplicaSet>(session, `/apis/apps/v1/namespaces/${encodeURIComponent(metadata.namespace ?? "")}/replicasets`, { labelSelector: selector }), events(session, deployment, settings),
  ]);
  const owned = sets.filter((set) => set.metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === metadata.uid)).toSorted((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1));
  const current = owned.find((set) => equal(withoutHash(set.spec?.template), withoutHash(spec?.template)));
  const text = (list: readonly ReplicaSet[]): string => list.map((set) => `${set.metadata.name} (${set.status?.replicas ?? 0}/${set.spec?.replicas ?? 0} replicas created)`).join(", ") || "<none>";
  const w = head(deployment);
  w.line(0, `CreationTimestamp:\t${dateText(metadata.creationTimestamp)}`);
  describeLabels(w, "Labels", metadata.labels);
  describeAnnotations(w, "Annotations", metadata.annotations);
  w.line(0, `Selector:\t${selector}`);
  w.line(0, `Replicas:\t${spec?.replicas ?? 0} desired | ${status?.updatedReplicas ?? 0} updated | ${status?.replicas ?? 0} total | ${status?.availableReplicas ?? 0} available | ${status?.unavailableReplicas ?? 0} unavailable`);
  w.line(0, `StrategyType:\t${spec?.strategy?.type ?? ""}`);
  w.line(0, `MinReadySeconds:\t${spec?.minReadySeconds ?? 0}`);
  const rolling = spec?.strategy?.rollingUpdate;
  if (rolling) w.line(0, `RollingUpdateStrategy:\t${rolling.maxUnavailable ?? 0} max unavailable, ${rolling.maxSurge ?? 0} max surge`);
  if (spec?.template) describeTemplate(w, spec.template);
  describeConditions(w, status?.conditions);
  const old = owned.filter((set) => set !== current);
  if (owned.length > 0) {
    w.line(0, `OldReplicaSets:\t${text(old)}`);
    w.line(0, `NewReplicaSet:\t${text(current ? [current] : [])}`);
  }
  describeEvents(w, told, session.now);
  return w.toString();
}

export async function describeReplicaSet(session: Session, set: ReplicaSet, settings: DescribeSettings): Promise<string> {
  const { metadata, spec, status } = set;
  const selector = formatLabelMatcher(labelMatcherOf(spec?.selector));
  const [pods, told] = await Promise.all([listOf<Pod>(session, `/api/v1/namespaces/${encodeURIComponent(metadata.namespace ?? "")}/pods`, { labelSelector: selector }), events(session, set, settings)]);
  const owned = pods.filter((pod) => pod.metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === metadata.uid));
  const count = (phase: string): number => owned.filter((pod) => pod.status?.phase === phase).length;
  const w = head(set);
  w.line(0, `Selector:\t${selector}`);
  describeLabels(w, "Labels", metadata.labels);
  describeAnnotations(w, "Annotations", metadata.annotations);
  const controller = controllerText(set);
  if (controller !== undefined) w.line(0, `Controlled By:\t${controller}`);
  w.line(0, `Replicas:\t${status?.replicas ?? 0} current / ${spec?.replicas ?? 0} desired`);
  w.line(0, `Pods Status:\t${count("Running")} Running / ${count("Pending")} Waiting / ${count("Succeeded")} Succeeded / ${count("Failed")} Failed`);
  if (spec?.template) describeTemplate(w, spec.template);
  describeConditions(w, status?.conditions);
  describeEvents(w, told, session.now);
  return w.toString();
}

export async function describeConfigMap(session: Session, map: ConfigMap, settings: DescribeSettings): Promise<string> {
  const told = await events(session, map, settings);
  const w = head(map);
  describeLabels(w, "Labels", map.metadata.labels);
  describeAnnotations(w, "Annotations", map.metadata.annotations);
  w.line(0, "\nData\n====");
  for (const [key, value] of Object.entries(map.data ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))) w.line(0, `${key}:\n----\n${value}\n`);
  w.line(0, "\nBinaryData\n====");
  for (const [key, value] of Object.entries(map.binaryData ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))) w.line(0, `${key}: ${Buffer.from(value, "base64").length} bytes`);
  w.line(0, "");
  describeEvents(w, told, session.now);
  return w.toString();
}

export async function describeSecret(_session: Session, secret: Secret): Promise<string> {
  const w = head(secret);
  describeLabels(w, "Labels", secret.metadata.labels);
  describeAnnotations(w, "Annotations", secret.metadata.annotations);
  w.line(0, `\nType:\t${secret.type ?? ""}`);
  w.line(0, "\nData\n====");
  for (const [key, value] of Object.entries(secret.data ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = Buffer.from(value, "base64");
    w.line(0, key === "token" && secret.type === "kubernetes.io/service-account-token" ? `${key}:\t${bytes.toString("utf8")}` : `${key}:\t${bytes.length} bytes`);
  }
  return w.toString();
}

export async function describeServiceAccount(session: Session, account: ServiceAccount, settings: DescribeSettings): Promise<string> {
  const told = await events(session, account, settings);
  const w = head(account);
  describeLabels(w, "Labels", account.metadata.labels);
  describeAnnotations(w, "Annotations", account.metadata.annotations);
  const secrets = (account.imagePullSecrets ?? []).map(({ name = "" }) => name);
  if (secrets.length === 0) w.line(0, "Image pull secrets:\t<none>");
  secrets.forEach((name, index) => w.line(0, `${index === 0 ? "Image pull secrets:" : "                   "}\t${name}`));
  describeEvents(w, told, session.now);
  return w.toString();
}

const acronyms: ReadonlySet<string> = new Set(["API", "URL", "UID", "GUID"]);
/** "lastTransitionTime" → "Last Transition Time". */
function fieldLabel(field: string): string {
  if (/[^\p{L}-]/u.test(field)) return field;
  const parts = field.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|-|\p{L}+/gu) ?? [field];
  return parts.map((part) => (acronyms.has(part.toUpperCase()) ? part.toUpperCase() : part.toLowerCase() === part ? part.charAt(0).toUpperCase() + part.slice(1) : part)).join(" ");
}

const hidden: ReadonlySet<string> = new Set([".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"]);

function describeContent(w: FieldWriter, level: number, content: Json, prefix: string): void {
  for (const [field, value] of Object.entries(content).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const path = `${prefix}.${field}`;
    if (hidden.has(path)) continue;
    if (Array.isArray(value)) {
      w.line(level, `${fieldLabel(field)}:`);
      for (const child of value) {
        if (typeof child === "object" && child !== null) describeContent(w, level + 1, child as Json, path);
        else w.line(level + 1, goText(child));
      }
    } else if (typeof value === "object" && value !== null) {
      w.line(level, `${fieldLabel(field)}:`);
      describeContent(w, level + 1, value as Json, path);
    } else w.line(level, `${fieldLabel(field)}:\t${goText(value)}`);
  }
}

/** Any other object: its fields in order, with words for names. */
export async function describeAnything(session: Session, object: KubeObject, settings: DescribeSettings): Promise<string> {
  const told = await events(session, object, settings);
  const w = new FieldWriter();
  w.line(0, `Name:\t${object.metadata.name}`);
  w.line(0, `Namespace:\t${object.metadata.namespace ?? ""}`);
  describeLabels(w, "Labels", object.metadata.labels);
  describeAnnotations(w, "Annotations", object.metadata.annotations);
  describeContent(w, 0, object as unknown as Json, "");
  describeEvents(w, told, session.now);
  return w.toString();
}
