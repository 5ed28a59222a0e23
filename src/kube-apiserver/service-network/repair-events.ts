import { hostname } from "node:os";
import { events } from "../../api/generated/events-v1.ts";
import { apiVersionOf, type KubeObject, type ResourceType } from "../../apimachinery/object.ts";
import { formatMicroTime } from "../../apimachinery/time.ts";
import type { Transport } from "../../apimachinery/transport.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { Log } from "../../stdx/log.ts";
import type { Random } from "../../stdx/random.ts";

export interface Finding {
  readonly type: ResourceType;
  readonly object: KubeObject;
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

export interface RepairEventsOptions {
  readonly transport: () => Transport;
  readonly clock: Pick<Clock, "now">;
  readonly random: Random;
  readonly log: Log;
  /** "ipallocator-repair-controller" */
  readonly controller: string;
}

/** How many findings are remembered, so that one that stays is told once and not with every round. */
const rememberedMax = 1_000;
const noteCharactersMax = 1_024;

/** Tells people, as warnings, what the server has found and repaired; upstream's events.k8s.io/v1 form. */
export class RepairEvents {
  readonly #options: RepairEventsOptions;
  readonly #told = new Set<string>();

  constructor(options: RepairEventsOptions) {
    this.#options = options;
  }

  async tell({ type, object, reason, action, note }: Finding): Promise<void> {
    const { transport, clock, random, log, controller } = this.#options;
    const { namespace, name = "", uid = "", resourceVersion } = object.metadata;
    const key = `${uid} ${reason} ${note}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= rememberedMax) this.#told.clear();
    this.#told.add(key);
    log.warn("services do not agree with what is allocated", { reason, note });
    const place = namespace ?? "default";
    try {
      await transport().request({
        verb: "create", group: events.group, version: events.version, resource: events.plural, namespace: place,
        body: {
          metadata: { name: `${name}.${Buffer.from(random.bytes(8)).toString("hex")}`, namespace: place },
          eventTime: formatMicroTime(clock.now()), reportingController: controller, reportingInstance: `${controller}-${hostname()}`, action, reason, type: "Warning", note: note.slice(0, noteCharactersMax),
          regarding: { kind: type.kind, apiVersion: apiVersionOf(type), name, uid, ...(namespace !== undefined && { namespace }), ...(resourceVersion !== undefined && { resourceVersion }) },
        },
      });
    } catch (error) {
      log.warn("an event could not be written", { reason, error });
    }
  }
}
