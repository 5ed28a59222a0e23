import { servicecidrs, type ServiceCIDR } from "../../api/generated/networking-v1.ts";
import { isAlreadyExists } from "../../apimachinery/status-error.ts";
import { formatTime } from "../../apimachinery/time.ts";
import type { Transport } from "../../apimachinery/transport.ts";
import { equal } from "../../stdx/equal.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { ClusterState } from "../cache/cluster-state.ts";
import type { RepairEvents } from "./repair-events.ts";

/** Upstream's name for the ranges that the server was started with. */
export const defaultServiceCidrName = "kubernetes";
const fieldManager = "kubernetes-service-cidr-controller";
const request = { group: servicecidrs.group, version: servicecidrs.version, resource: servicecidrs.plural } as const;

export type DefaultRangeStep =
  | { readonly is: "nothing" }
  | { readonly is: "create" }
  /** One range becomes two families. */
  | { readonly is: "widen" }
  | { readonly is: "ready" }
  | { readonly is: "report"; readonly reason: string; readonly note: string };

/** What the server does about its own ServiceCIDR; once it is there its ranges are what counts, not the flag (upstream's defaultservicecidr controller). */
export function planDefaultRange(cidrs: readonly string[], present: ServiceCIDR | undefined): DefaultRangeStep {
  if (!present) return { is: "create" };
  const own = present.spec?.cidrs ?? [];
  if (cidrs.length === 2 && own.length === 1 && own[0] === cidrs[0]) return { is: "widen" };
  if (present.metadata.deletionTimestamp !== undefined) return { is: "nothing" };
  if (!equal(own, cidrs)) {
    return { is: "report", reason: "KubernetesDefaultServiceCIDRInconsistent", note: `The default ServiceCIDR [${own.join(" ")}] does not match the controller flag configurations [${cidrs.join(" ")}]` };
  }
  const ready = present.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status === "False") return { is: "report", reason: ready.reason, note: `Configuration matches, but ${ready.message}` };
  return ready?.status === "True" ? { is: "nothing" } : { is: "ready" };
}

export interface DefaultServiceCidrOptions {
  readonly cidrs: readonly string[];
  readonly state: ClusterState;
  readonly transport: () => Transport;
  readonly clock: Pick<Clock, "now">;
  readonly events: RepairEvents;
}

/** One step towards the ServiceCIDR `kubernetes` as it ought to be. */
export async function ensureDefaultServiceCidr({ cidrs, state, transport, clock, events }: DefaultServiceCidrOptions): Promise<void> {
  const present = state.get(servicecidrs, "", defaultServiceCidrName);
  const step = planDefaultRange(cidrs, present);
  switch (step.is) {
    case "create":
      try {
        await transport().request({ verb: "create", ...request, query: { fieldManager: "kube-apiserver" }, body: { metadata: { name: defaultServiceCidrName }, spec: { cidrs } } });
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      return;
    case "widen":
      await transport().request({ verb: "patch", ...request, name: defaultServiceCidrName, patchType: "application/merge-patch+json", query: { fieldManager: "kube-apiserver" }, body: { spec: { cidrs } } });
      return;
    case "ready":
      await transport().request({
        verb: "patch", ...request, name: defaultServiceCidrName, subresource: "status", patchType: "application/apply-patch+yaml", query: { fieldManager, force: "true" },
        body: {
          apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name: defaultServiceCidrName },
          status: { conditions: [{ type: "Ready", status: "True", reason: "", message: "Kubernetes default Service CIDR is ready", lastTransitionTime: formatTime(clock.now()) }] },
        },
      });
      return;
    case "report":
      if (present) await events.tell({ type: servicecidrs, object: present, reason: step.reason === "" ? "Unknown" : step.reason, action: "ServiceCIDR", note: step.note });
      return;
    case "nothing":
  }
}
