import { jsonLines } from "../../client/json-lines.ts";
import { statusErrorOf } from "../../client/http-answer.ts";
import { labelMatcherOf, formatLabelMatcher, matcherOfLabels } from "../../apimachinery/label-selector.ts";
import { notFoundError, StatusError, type Status } from "../../apimachinery/status-error.ts";
import type { Container, Pod } from "../../api/generated/core-v1.ts";
import { TimeoutError, timeoutSignal } from "../../stdx/abort.ts";
import { pathOf, type ServedResource } from "../discovery.ts";
import type { Json, Session } from "../session.ts";

const lineBytesMax = 64 << 20;
const defaultContainerAnnotation = "kubectl.kubernetes.io/default-container";

export const podsPath = (namespace: string, name?: string, subresource?: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods${name === undefined ? "" : `/${encodeURIComponent(name)}`}${subresource === undefined ? "" : `/${subresource}`}`;

export interface Found {
  readonly container: Pick<Container, "name" | "tty">;
  readonly field: "containers" | "initContainers" | "ephemeralContainers";
}
export function containerOf({ spec }: Pod, name: string): Found | undefined {
  for (const field of ["containers", "initContainers", "ephemeralContainers"] as const) {
    const container = (spec?.[field] as readonly Container[] | undefined)?.find((each) => each.name === name);
    if (container) return { container, field };
  }
  return undefined;
}

export const allContainerNames = ({ spec }: Pod): string => [
  ...(spec?.containers ?? []).map(({ name }) => name), ...((spec?.ephemeralContainers ?? []) as readonly Container[]).map(({ name }) => `${name} (ephem)`), ...(spec?.initContainers ?? []).map(({ name }) => `${name} (init)`),
].join(", ");

const several = ({ spec }: Pod): boolean => (spec?.containers ?? []).length > 1 || (spec?.initContainers ?? []).length > 0 || (spec?.ephemeralContainers ?? []).length > 0;

/** The container that is meant; without a name the pod's default or its first, which is said. */
export function chosenContainer(session: Session, pod: Pod, given: string, quiet: boolean): Found {
  const first = pod.spec?.containers?.[0];
  if (!first) throw new Error(`pod ${pod.metadata.namespace}/${pod.metadata.name} does not have any containers`);
  const name = given === "" ? (pod.metadata.annotations?.[defaultContainerAnnotation] ?? "") : given;
  if (name === "") {
    if (!quiet && several(pod)) session.warn(`Defaulted container ${JSON.stringify(first.name)} out of: ${allContainerNames(pod)}`);
    return { container: first, field: "containers" };
  }
  const found = containerOf(pod, name);
  if (!found) throw new Error(`container ${name} is not valid for pod ${pod.metadata.name} out of: ${allContainerNames(pod)}`);
  return found;
}

/** As `chosenContainer`, with what `logs` says when the default is not there. */
export function chosenForLogs(session: Session, pod: Pod, given: string): Found {
  const marked = pod.metadata.annotations?.[defaultContainerAnnotation] ?? "";
  if (given === "" && marked !== "" && !containerOf(pod, marked)) {
    session.warn(`Default container name ${JSON.stringify(marked)} not found in pod ${pod.metadata.name}`);
    return chosenContainer(session, { ...pod, metadata: { ...pod.metadata, annotations: {} } }, "", false);
  }
  return chosenContainer(session, pod, given, false);
}

/** The label selector of what an object stands for: its own pods. */
function selectorOf(object: Json): string {
  const { kind, spec } = object as { readonly kind?: string; readonly spec?: { readonly selector?: unknown } };
  const selector = spec?.selector;
  if (kind === "Service" || kind === "ReplicationController") {
    if (selector === undefined || Object.keys(selector as object).length === 0) throw new Error("invalid service '': Service is defined without a selector");
    return formatLabelMatcher(matcherOfLabels(selector as Readonly<Record<string, string>>));
  }
  if (selector === undefined) throw new Error(`selector for ${String(kind)} not implemented`);
  return formatLabelMatcher(labelMatcherOf(selector as Parameters<typeof labelMatcherOf>[0]));
}

export async function podsOf(session: Session, object: Json): Promise<readonly Pod[]> {
  const { metadata } = object as { readonly metadata?: { readonly namespace?: string } };
  const { items = [] } = await session.json<{ readonly items?: readonly Pod[] }>({ method: "GET", path: podsPath(metadata?.namespace ?? ""), resource: "pods", query: { labelSelector: selectorOf(object) } });
  return items.map((pod) => ({ ...pod, apiVersion: "v1", kind: "Pod" }));
}

const ready = ({ status }: Pod): boolean => status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
/** Running and ready pods first, older before younger. */
export const byActivity = (a: Pod, b: Pod): number =>
  Number(b.spec?.nodeName !== undefined) - Number(a.spec?.nodeName !== undefined) || Number(b.status?.phase === "Running") - Number(a.status?.phase === "Running") || Number(ready(b)) - Number(ready(a))
  || ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1);

/** The pod that an argument means: "x", "pod/x", "deploy/x", "svc/x". */
export async function podFor(session: Session, argument: string, namespace: string, timeoutMs: number): Promise<Pod> {
  const object = await objectFor(session, argument, namespace);
  if (object["kind"] === "Pod") return object as unknown as Pod;
  const [pod] = (await podsOf(session, object)).toSorted(byActivity);
  if (pod) return pod;
  return firstPod(session, object, timeoutMs);
}

async function firstPod(session: Session, object: Json, timeoutMs: number): Promise<Pod> {
  const namespace = (object["metadata"] as { readonly namespace?: string } | undefined)?.namespace ?? "";
  return waitForPod(session, { namespace, query: { labelSelector: selectorOf(object) }, timeoutMs, until: () => true });
}

export async function objectFor(session: Session, argument: string, namespace: string): Promise<Json> {
  const slash = argument.indexOf("/");
  if (slash < 0) return session.json({ method: "GET", path: podsPath(namespace, argument), resource: "pods" });
  const parts = argument.split("/");
  if (parts.length !== 2) throw new Error("arguments in resource/name form may not have more than one slash");
  const mapping: ServedResource = (await session.discovery()).mustFind(parts[0] ?? "");
  return session.json({ method: "GET", path: pathOf(mapping, { namespace, name: parts[1] ?? "" }), resource: mapping.resource });
}

export interface PodWait {
  readonly namespace: string;
  readonly query: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  until(pod: Pod): boolean;
}

/** Lists and then watches until a pod is as wanted. @throws when it is deleted or the time is up. */
export async function waitForPod(session: Session, { namespace, query, timeoutMs, until }: PodWait): Promise<Pod> {
  using time = timeoutSignal(session.streams.clock, timeoutMs, "timed out waiting for the condition", session.signal);
  try {
    for (;;) {
      const { items = [], metadata } = await session.json<{ readonly items?: readonly Pod[]; readonly metadata?: { readonly resourceVersion?: string } }>({ method: "GET", path: podsPath(namespace), resource: "pods", query, signal: time.signal });
      const now = items.find(until);
      if (now) return { ...now, apiVersion: "v1", kind: "Pod" };
      const found = await watchPods(session, { namespace, query: { ...query, resourceVersion: metadata?.resourceVersion ?? "0", watch: "true" }, until }, time.signal);
      if (found) return found;
    }
  } catch (error) {
    if (time.signal.aborted && time.signal.reason instanceof TimeoutError) throw new Error("timed out waiting for the condition", { cause: error });
    throw error;
  }
}

async function watchPods(session: Session, { namespace, query, until }: Omit<PodWait, "timeoutMs">, signal: AbortSignal): Promise<Pod | undefined> {
  using response = await session.raw({ method: "GET", path: podsPath(namespace), headers: { accept: "application/json" }, query, signal });
  if (response.status >= 400) throw statusErrorOf(await response.text(), response.status, { group: "", resource: "pods", verb: "watch" });
  for await (const event of jsonLines(response.body, { lineBytesMax })) {
    const { type, object } = event as { readonly type: string; readonly object: Pod };
    if (type === "DELETED") throw notFoundError({ group: "", resource: "pods" }, "");
    if (type === "ERROR") {
      const error = StatusError.fromStatus(object as unknown as Status);
      if (error.code === 410) return undefined; // The list is taken again.
      throw error;
    }
    if (type !== "BOOKMARK" && until(object)) return object;
  }
  return undefined;
}

/** Streams the log of a container to `write`. */
export async function streamLog(session: Session, pod: Pod, query: Readonly<Record<string, string>>, write: (chunk: Uint8Array) => unknown, signal: AbortSignal = session.signal): Promise<void> {
  using response = await session.raw({ method: "GET", path: podsPath(pod.metadata.namespace ?? "", pod.metadata.name ?? "", "log"), headers: { accept: "application/json, */*" }, query, signal });
  if (response.status >= 400) throw statusErrorOf(await response.text(), response.status, { group: "", resource: "pods", verb: "get" });
  for await (const chunk of response.body) write(chunk);
}
