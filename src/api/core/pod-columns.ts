import type { Container, ContainerStatus, Pod } from "../generated/core-v1.ts";
import { ageOf } from "../printing/age.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { orText } from "../printing/formats.ts";
import type { Column } from "../resource.ts";

/** What the row of a pod says beside its name and age. */
export interface PodSummary {
  readonly ready: number;
  readonly total: number;
  /** The STATUS column: a phase, or the most telling reason of a container. */
  readonly reason: string;
  readonly restarts: number;
  /** When a container last ended before it was started again, in milliseconds since 1970. */
  readonly lastRestartMs: number | undefined;
}

const isSidecar = (container: Container | undefined): boolean => container?.restartPolicy === "Always";
const conditionIs = (pod: Pod, type: string): boolean => pod.status?.conditions?.find((condition) => condition.type === type)?.status === "True";
const isReady = (pod: Pod): boolean => (pod.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");

/** The later of two moments, of which either may be unknown. */
const later = (a: number | undefined, b: number | undefined): number | undefined => (a === undefined ? b : b === undefined ? a : Math.max(a, b));
const lastEndMs = ({ lastState }: ContainerStatus): number | undefined => {
  const finishedAt = lastState?.terminated?.finishedAt;
  return finishedAt === undefined ? undefined : Date.parse(finishedAt);
};

interface Initialization {
  readonly restarts: number;
  readonly sidecarRestarts: number;
  readonly sidecarsReady: number;
  readonly lastRestartMs: number | undefined;
  readonly lastSidecarRestartMs: number | undefined;
  /** Why the pod is not initialized yet; undefined when it is. */
  readonly reason: string | undefined;
}

/** Goes through the init containers until the first one that holds up the others. */
function initialization(pod: Pod): Initialization {
  const specs = new Map((pod.spec?.initContainers ?? []).map((container) => [container.name, container]));
  let [restarts, sidecarRestarts, sidecarsReady] = [0, 0, 0];
  let lastRestartMs: number | undefined;
  let lastSidecarRestartMs: number | undefined;
  let reason: string | undefined;

  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(specs.get(status.name));
    restarts += status.restartCount ?? 0;
    lastRestartMs = later(lastRestartMs, lastEndMs(status));
    if (sidecar) {
      sidecarRestarts += status.restartCount ?? 0;
      lastSidecarRestartMs = later(lastSidecarRestartMs, lastEndMs(status));
    }

    const { terminated, waiting } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && status.started === true) {
      if (status.ready) sidecarsReady += 1;
      continue;
    }
    if (terminated) reason = `Init:${orText(terminated.reason, (terminated.signal ?? 0) !== 0 ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`)}`;
    else if (waiting && orText(waiting.reason, "PodInitializing") !== "PodInitializing") reason = `Init:${waiting.reason}`;
    else reason = `Init:${index}/${pod.spec?.initContainers?.length ?? 0}`;
    break;
  }
  return { restarts, sidecarRestarts, sidecarsReady, lastRestartMs, lastSidecarRestartMs, reason };
}

/** Several cells are made of one summary, which is made once per version of a pod. */
const summaries = new WeakMap<Pod, PodSummary>();

export function summarizePod(pod: Pod): PodSummary {
  let summary = summaries.get(pod);
  if (summary === undefined) {
    summary = summarize(pod);
    summaries.set(pod, summary);
  }
  return summary;
}

function summarize(pod: Pod): PodSummary {
  const status = pod.status ?? {};
  const total = (pod.spec?.containers ?? []).length + (pod.spec?.initContainers ?? []).filter(isSidecar).length;
  const gated = status.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated") === true;
  let reason = gated ? "SchedulingGated" : orText(status.reason, status.phase ?? "");

  const init = initialization(pod);
  let { restarts, lastRestartMs, sidecarsReady: ready } = init;
  if (init.reason !== undefined) reason = init.reason;

  if (init.reason === undefined || conditionIs(pod, "Initialized")) {
    restarts = init.sidecarRestarts;
    lastRestartMs = init.lastSidecarRestartMs;
    let running = false;
    let errorReason = "";
    for (const container of (status.containerStatuses ?? []).toReversed()) {
      restarts += container.restartCount ?? 0;
      lastRestartMs = later(lastRestartMs, lastEndMs(container));
      const { waiting, terminated } = container.state ?? {};
      if (waiting?.reason !== undefined && waiting.reason !== "") {
        reason = waiting.reason;
      } else if (terminated) {
        reason = orText(terminated.reason, (terminated.signal ?? 0) !== 0 ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`);
        if (terminated.exitCode !== 0) errorReason = reason;
      } else if (container.ready && container.state?.running) {
        running = true;
        ready += 1;
      }
    }
    if (reason === "Completed") {
      if (running && isReady(pod)) reason = "Running";
      else if (errorReason !== "") reason = errorReason;
      else if (running) reason = "NotReady";
    }
  }

  if (pod.metadata.deletionTimestamp !== undefined) {
    if (status.reason === "NodeLost") reason = "Unknown";
    else if (status.phase !== "Failed" && status.phase !== "Succeeded") reason = "Terminating";
  }
  return { ready, total, reason, restarts, lastRestartMs };
}

function restartsText(pod: Pod, nowMs: number): string {
  const { restarts, lastRestartMs } = summarizePod(pod);
  return restarts !== 0 && lastRestartMs !== undefined ? `${restarts} (${ageOf(new Date(lastRestartMs).toISOString(), nowMs)} ago)` : `${restarts}`;
}

function readinessGatesText(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  return gates.length === 0 ? "<none>" : `${gates.filter(({ conditionType }) => conditionIs(pod, conditionType)).length}/${gates.length}`;
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  text("Ready", (pod) => { const { ready, total } = summarizePod(pod); return `${ready}/${total}`; }),
  text("Status", (pod) => summarizePod(pod).reason),
  text("Restarts", restartsText),
  ageColumn,
  wide("IP", ({ status }) => orText(status?.podIPs?.[0]?.ip, "<none>")),
  wide("Node", ({ spec }) => orText(spec?.nodeName, "<none>")),
  wide("Nominated Node", ({ status }) => orText(status?.nominatedNodeName, "<none>")),
  wide("Readiness Gates", readinessGatesText),
];
