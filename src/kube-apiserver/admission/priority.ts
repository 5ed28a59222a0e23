import { pods, type Pod } from "../../api/generated/core-v1.ts";
import { priorityclasses, type PriorityClass } from "../../api/generated/scheduling-v1.ts";
import type { AdmissionPlugin, AdmissionRequest, ClusterReader } from "../access.ts";
import { isResource, refuse } from "./plugin.ts";

/** The priority of pods without a class, in a cluster without a default class. */
const noClass = { name: "", value: 0, preemptionPolicy: "PreemptLowerPriority" } as const;

interface Established {
  readonly name: string;
  readonly value: number;
  readonly preemptionPolicy?: string;
}

/** Turns the name of a priority class into the number that the scheduler works with. */
export function priority(cluster: ClusterReader): AdmissionPlugin {
  /** When a race made two of them, the lower one counts. */
  const defaultClass = (): PriorityClass | undefined =>
    cluster.list(priorityclasses).filter(({ globalDefault }) => globalDefault === true).toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];

  const establish = (request: AdmissionRequest, name: string): Established => {
    const found = name === "" ? defaultClass() : cluster.get(priorityclasses, "", name);
    if (!found && name !== "") throw refuse(request, `no PriorityClass with name ${name} was found`);
    return found ? { name: found.metadata.name ?? "", value: found.value ?? 0, ...(found.preemptionPolicy !== undefined && { preemptionPolicy: found.preemptionPolicy }) } : noClass;
  };

  return {
    name: "Priority",
    handles: (operation, type, subresource) =>
      (operation === "CREATE" || operation === "UPDATE") && subresource === "" && (isResource(type, pods) || isResource(type, priorityclasses)),

    mutate(request) {
      const { object, oldObject, type, operation } = request;
      if (!object || !isResource(type, pods)) return object as NonNullable<typeof object>;
      const pod = object as Pod;
      if (operation === "UPDATE") return keepPriority(pod, oldObject as Pod | undefined);
      if (!pod.spec) return pod;
      const { priority: givenPriority, preemptionPolicy: givenPolicy, priorityClassName: _given, ...spec } = pod.spec;
      const { name, value, preemptionPolicy } = establish(request, pod.spec.priorityClassName ?? "");
      if (givenPriority !== undefined && givenPriority !== value) {
        throw refuse(request, `the integer value of priority (${givenPriority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`);
      }
      if (givenPolicy !== undefined && preemptionPolicy !== undefined && givenPolicy !== preemptionPolicy) {
        throw refuse(request, `the string value of PreemptionPolicy (${givenPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`);
      }
      const policy = preemptionPolicy ?? givenPolicy;
      return { ...pod, spec: { ...spec, priority: value, ...(name !== "" && { priorityClassName: name }), ...(policy !== undefined && { preemptionPolicy: policy }) } };
    },

    validate(request) {
      const { object, type, operation } = request;
      if (!isResource(type, priorityclasses) || (object as PriorityClass).globalDefault !== true) return;
      const present = defaultClass()?.metadata.name;
      if (present !== undefined && (operation === "CREATE" || present !== object?.metadata.name)) {
        throw refuse(request, `PriorityClass ${present} is already marked as default. Only one default can exist`);
      }
    },
  };
}

/** What was computed when the pod was made stays when an update leaves it out. */
function keepPriority(pod: Pod, old: Pod | undefined): Pod {
  const [priorityOf, policyOf] = [pod.spec?.priority ?? old?.spec?.priority, pod.spec?.preemptionPolicy ?? old?.spec?.preemptionPolicy];
  if (!pod.spec || (priorityOf === pod.spec.priority && policyOf === pod.spec.preemptionPolicy)) return pod;
  return { ...pod, spec: { ...pod.spec, ...(priorityOf !== undefined && { priority: priorityOf }), ...(policyOf !== undefined && { preemptionPolicy: policyOf }) } };
}
