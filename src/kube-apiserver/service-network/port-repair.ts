import { services, type Service } from "../../api/generated/core-v1.ts";
import type { ClusterState } from "../cache/cluster-state.ts";
import type { NodePorts, PortRange } from "./node-ports.ts";
import type { RepairEvents } from "./repair-events.ts";
import { portsOf } from "./service-spec.ts";

/** In so many rounds a port has to be found without a Service before it is free again: it may be that of a request that is still under way. */
const roundsBeforeFree = 3;

export interface PortFinding {
  readonly service: Service;
  readonly reason: "PortNotAllocated" | "PortAlreadyAllocated" | "PortOutOfRange";
  readonly note: string;
}

export interface PortRepairPlan {
  readonly take: readonly number[];
  readonly free: readonly number[];
  /** Ports without a Service, and in how many more rounds they are freed. */
  readonly leaks: ReadonlyMap<number, number>;
  readonly findings: readonly PortFinding[];
}

/** What has to be done so that exactly the ports of Services are taken; reasons and notes of upstream's repair. */
export function planPortRepair(list: readonly Service[], taken: (port: number) => boolean, range: PortRange, leaks: ReadonlyMap<number, number>): PortRepairPlan {
  const owned = new Set<number>();
  const take: number[] = [];
  const findings: PortFinding[] = [];
  for (const service of list) {
    const find = (reason: PortFinding["reason"], note: string): void => void findings.push({ service, reason, note });
    for (const port of portsOf(service)) {
      if (port < range.first || port > range.last) find("PortOutOfRange", `Port ${port} is not within the port range ${range.first}-${range.last}; please recreate service`);
      else if (owned.has(port)) find("PortAlreadyAllocated", `Port ${port} was assigned to multiple services; please recreate service`);
      else {
        owned.add(port);
        if (taken(port)) continue;
        take.push(port);
        find("PortNotAllocated", `Port ${port} is not allocated; repairing`);
      }
    }
  }
  const still = new Map<number, number>();
  const free: number[] = [];
  for (let port = range.first; port <= range.last; port++) {
    if (!taken(port) || owned.has(port)) continue;
    const rounds = leaks.get(port) ?? roundsBeforeFree;
    if (rounds <= 1) free.push(port);
    else still.set(port, rounds - 1);
  }
  return { take, free, leaks: still, findings };
}

/** Keeps the bitmap of node ports in agreement with the Services. */
export class PortRepair {
  readonly #options: { readonly state: ClusterState; readonly ports: NodePorts; readonly events: RepairEvents };
  #leaks: ReadonlyMap<number, number> = new Map();

  constructor(options: { readonly state: ClusterState; readonly ports: NodePorts; readonly events: RepairEvents }) {
    this.#options = options;
  }

  async once(): Promise<void> {
    const { state, ports, events } = this.#options;
    await state.fresh();
    let plan: PortRepairPlan | undefined;
    await ports.change((present) => {
      plan = planPortRepair(state.list(services), (port) => present.has(port), ports.range, this.#leaks);
      for (const port of plan.take) present.take(port);
      for (const port of plan.free) present.release(port);
    });
    this.#leaks = plan?.leaks ?? this.#leaks;
    for (const { service, reason, note } of plan?.findings ?? []) await events.tell({ type: services, object: service, reason, action: "PortAllocation", note });
  }
}
