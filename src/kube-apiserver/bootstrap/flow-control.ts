import { flowschemas, prioritylevelconfigurations, type FlowSchema, type PriorityLevelConfiguration } from "../../api/generated/flowcontrol-v1.ts";
import type { KubeObject, ResourceType } from "../../apimachinery/object.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../../apimachinery/status-error.ts";
import { formatTime } from "../../apimachinery/time.ts";
import type { ApiRequest, Transport } from "../../apimachinery/transport.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import { shippedFlowSchemas, shippedPriorityLevels } from "./flow-control-objects.ts";
import { planDangling, planFlowControl, type FlowControlWrite } from "./flow-control-plan.ts";

export interface FlowControlOptions {
  /** The server's own, as a member of system:masters. */
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const producer = "api-priority-and-fairness-config-producer-v1";
const consumer = "api-priority-and-fairness-config-consumer-v1";
/** Upstream looks after them once a minute and says at once which schemas dangle; both together cost next to nothing. */
const everyMs = 10_000;

/** Keeps FlowSchemas and PriorityLevelConfigurations as every cluster has them, until the signal aborts. */
export async function maintainFlowControl(options: FlowControlOptions): Promise<void> {
  const { clock, log, signal } = options;
  while (!signal.aborted) {
    try {
      await ensureFlowControl(options);
      await clock.sleep(everyMs, { signal });
    } catch (error) {
      if (signal.aborted) return;
      log.warn("could not look after FlowSchemas and PriorityLevelConfigurations", { error });
      await clock.sleep(everyMs, { signal }).catch(() => undefined);
    }
  }
}

/** One round. */
export async function ensureFlowControl({ transport, clock, signal }: Omit<FlowControlOptions, "log">): Promise<void> {
  const request = (type: ResourceType, verb: ApiRequest["verb"], more: Partial<ApiRequest> = {}): Promise<unknown> =>
    transport.request({ verb, group: type.group, version: type.version, resource: type.plural, signal, ...more });
  const list = async <T extends KubeObject>(type: ResourceType<T>): Promise<readonly T[]> =>
    (await request(type, "list") as { readonly items: readonly T[] }).items.map((item) => ({ ...item, kind: type.kind, apiVersion: `${type.group}/${type.version}` }));
  const write = async <T extends FlowSchema | PriorityLevelConfiguration>(type: ResourceType<T>, { is, object }: FlowControlWrite<T>): Promise<void> => {
    const { name = "", uid, resourceVersion } = object.metadata;
    try {
      if (is === "create") await request(type, is, { body: object, query: { fieldManager: producer } });
      else if (is === "update") await request(type, is, { name, body: object, query: { fieldManager: producer } });
      else await request(type, is, { name, body: { preconditions: { uid, resourceVersion } } });
    } catch (error) {
      // Somebody else was quicker; the next round sees what became of it.
      if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error;
    }
  };
  const [levels, schemas] = await Promise.all([list(prioritylevelconfigurations), list(flowschemas)]);
  await Promise.all(planFlowControl(shippedPriorityLevels, levels).map((each) => write(prioritylevelconfigurations, each)));
  const planned = planFlowControl(shippedFlowSchemas, schemas);
  await Promise.all(planned.map((each) => write(flowschemas, each)));

  const current = planned.length === 0 ? schemas : await list(flowschemas);
  const names = new Set((planned.length === 0 ? levels : await list(prioritylevelconfigurations)).map(({ metadata }) => metadata.name ?? ""));
  await Promise.all(current.map(async (schema) => {
    const condition = planDangling(schema, names);
    if (!condition) return;
    const { name = "" } = schema.metadata;
    const body = {
      apiVersion: "flowcontrol.apiserver.k8s.io/v1", kind: "FlowSchema", metadata: { name },
      status: { conditions: [{ ...condition, lastTransitionTime: formatTime(clock.now()) }] },
    };
    try {
      await request(flowschemas, "patch", { name, subresource: "status", patchType: "application/apply-patch+yaml", query: { fieldManager: consumer, force: "true" }, body });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }));
}
