import { pods, type Pod, type Toleration } from "../../api/generated/core-v1.ts";
import { runtimeclasses, type RuntimeClass } from "../../api/generated/node-v1.ts";
import { equalQuantities } from "../../apimachinery/quantity.ts";
import { equal } from "../../stdx/equal.ts";
import type { AdmissionPlugin, AdmissionRequest, ClusterReader } from "../access.ts";
import { handlesOnly, refuse } from "./plugin.ts";

type Quantities = Readonly<Record<string, string | number>>;

const sameQuantities = (a: Quantities, b: Quantities): boolean => {
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length === right.length && left.every(([name, value]) => b[name] !== undefined && equalQuantities(value, b[name]));
};

/** A pod's runtime class decides what running it costs beside its containers, and on which nodes it can run. */
export function runtimeClass(cluster: ClusterReader): AdmissionPlugin {
  const classOf = (request: AdmissionRequest, pod: Pod): RuntimeClass | undefined => {
    const name = pod.spec?.runtimeClassName;
    if (name === undefined) return undefined;
    const found = cluster.get(runtimeclasses, "", name);
    if (!found) throw refuse(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    return found;
  };
  return {
    name: "RuntimeClass",
    handles: handlesOnly(pods, "CREATE"),
    mutate(request) {
      const pod = request.object as Pod;
      const found = classOf(request, pod);
      return found ? scheduled(request, withOverhead(request, pod, found), found) : pod;
    },
    validate(request) {
      const pod = request.object as Pod;
      const wanted = classOf(request, pod)?.overhead;
      if (wanted && !sameQuantities(wanted.podFixed ?? {}, pod.spec?.overhead ?? {})) throw refuse(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      if (!wanted && pod.spec?.overhead) throw refuse(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    },
  };
}

function withOverhead(request: AdmissionRequest, pod: Pod, { overhead }: RuntimeClass): Pod {
  if (!overhead || !pod.spec) return pod;
  const given = pod.spec.overhead ?? {};
  const podFixed = overhead.podFixed ?? {};
  if (Object.keys(given).length > 0 && !sameQuantities(podFixed, given)) throw refuse(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  return { ...pod, spec: { ...pod.spec, overhead: podFixed } };
}

function scheduled(request: AdmissionRequest, pod: Pod, { scheduling }: RuntimeClass): Pod {
  if (!scheduling || !pod.spec) return pod;
  const own = pod.spec.nodeSelector ?? {};
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    if (own[key] !== undefined && own[key] !== value) {
      throw refuse(request, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own[key]}`);
    }
  }
  const nodeSelector = { ...own, ...scheduling.nodeSelector };
  const tolerations = mergeTolerations(pod.spec.tolerations ?? [], scheduling.tolerations ?? []);
  return {
    ...pod, spec: { ...pod.spec, ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }), ...(tolerations.length > 0 && { tolerations }) },
  };
}

const mergeTolerations = (own: readonly Toleration[], more: readonly Toleration[]): readonly Toleration[] => [...own, ...more.filter((each) => !own.some((known) => equal(known, each)))];
