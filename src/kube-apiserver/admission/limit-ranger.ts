import { limitranges, persistentvolumeclaims, pods, type Container, type LimitRange, type LimitRangeItem, type PersistentVolumeClaim, type Pod } from "../../api/generated/core-v1.ts";
import { addQuantities, compareQuantities, formatQuantity, isZeroQuantity, maxQuantity, quantityFloat, type QuantityLike } from "../../apimachinery/quantity.ts";
import type { AdmissionPlugin, ClusterReader } from "../access.ts";
import { isResource, refuse } from "./plugin.ts";

type Quantities = Readonly<Record<string, QuantityLike>>;
type Plain = Readonly<Record<string, string>>;
interface Resources { readonly requests: Quantities; readonly limits: Quantities }

const annotation = "kubernetes.io/limit-ranger";

/** Holds pods and claims to the LimitRanges of their namespace, and fills in requests and limits that containers leave out. */
export function limitRanger(cluster: ClusterReader): AdmissionPlugin {
  const rangesOf = (namespace: string): readonly LimitRange[] => cluster.list(limitranges, namespace);
  return {
    name: "LimitRanger",
    handles: (operation, type, subresource) => {
      if (isResource(type, pods)) return (operation === "CREATE" && subresource === "") || (operation === "UPDATE" && subresource === "resize");
      return isResource(type, persistentvolumeclaims) && subresource === "" && (operation === "CREATE" || operation === "UPDATE");
    },
    mutate({ object, namespace, type, oldObject }) {
      if (!object) throw new Error("LimitRanger was asked to change a request without an object");
      if (!isResource(type, pods) || oldObject?.metadata.deletionTimestamp !== undefined) return object;
      return rangesOf(namespace).reduce(withDefaults, object as Pod);
    },
    validate(request) {
      const { object, oldObject, namespace, type } = request;
      if (oldObject?.metadata.deletionTimestamp !== undefined) return;
      for (const { spec } of rangesOf(namespace)) {
        const problems = (spec?.limits ?? []).flatMap((limit) => (isResource(type, pods) ? podProblems(limit, object as Pod) : claimProblems(limit, object as PersistentVolumeClaim)));
        const texts = [...new Set(problems)];
        if (texts.length > 0) throw refuse(request, texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`);
      }
    },
  };
}

function withDefaults(pod: Pod, { spec }: LimitRange): Pod {
  if (!pod.spec) return pod;
  const ofContainers = (spec?.limits ?? []).filter(({ type }) => type === "Container");
  const requests: Plain = Object.assign({}, ...ofContainers.map(({ defaultRequest }) => defaultRequest));
  const limits: Plain = Object.assign({}, ...ofContainers.map((limit) => limit.default));
  const notes: string[] = [];
  const fill = (kind: string) => (container: Container): Container => {
    const own = container.resources ?? {};
    const missing = (wanted: Plain, present: object = {}): readonly string[] => Object.keys(wanted).filter((name) => !(name in present)).toSorted();
    const [missingRequests, missingLimits] = [missing(requests, own.requests), missing(limits, own.limits)];
    if (missingRequests.length > 0) notes.push(`${missingRequests.join(", ")} request for ${kind} ${container.name}`);
    if (missingLimits.length > 0) notes.push(`${missingLimits.join(", ")} limit for ${kind} ${container.name}`);
    if (missingRequests.length + missingLimits.length === 0) return container;
    return {
      ...container,
      resources: { ...own, ...(missingRequests.length > 0 && { requests: { ...requests, ...own.requests } }), ...(missingLimits.length > 0 && { limits: { ...limits, ...own.limits } }) },
    };
  };
  const { containers: given = [] } = pod.spec;
  const containers = given.map(fill("container"));
  const initContainers = pod.spec.initContainers?.map(fill("init container"));
  if (notes.length === 0) return pod;
  return {
    ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${notes.join("; ")}` } },
    spec: { ...pod.spec, containers, ...(initContainers && { initContainers }) },
  };
}

const resourcesOf = ({ resources }: Pick<Container, "resources">): Resources => ({ requests: resources?.requests ?? {}, limits: resources?.limits ?? {} });

function podProblems(limit: LimitRangeItem, pod: Pod): readonly string[] {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  if (limit.type === "Container") return [...containers, ...initContainers].flatMap((container) => problems(limit, resourcesOf(container)));
  if (limit.type === "Pod") return problems(limit, { requests: totalOf(pod, "requests"), limits: totalOf(pod, "limits") });
  return [];
}

function claimProblems(limit: LimitRangeItem, { spec }: PersistentVolumeClaim): readonly string[] {
  if (limit.type !== "PersistentVolumeClaim") return [];
  const requests = spec?.resources?.requests ?? {};
  return [
    ...Object.entries(limit.min ?? {}).flatMap(([name, min]) => belowMin(limit.type, name, min, { requests, limits: {} })),
    ...Object.entries(limit.max ?? {}).flatMap(([name, max]) => {
      const start = `maximum ${name} usage per ${limit.type} is ${formatQuantity(max)}`;
      const request = requests[name];
      if (request === undefined) return [`${start}.  No request is specified`];
      return compareQuantities(request, max) > 0 ? [`${start}, but request is ${formatQuantity(request)}`] : [];
    }),
  ];
}

const problems = ({ type, min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem, resources: Resources): readonly string[] => [
  ...Object.entries(min).flatMap(([name, bound]) => belowMin(type, name, bound, resources)),
  ...Object.entries(max).flatMap(([name, bound]) => aboveMax(type, name, bound, resources)),
  ...Object.entries(maxLimitRequestRatio).flatMap(([name, bound]) => aboveRatio(type, name, bound, resources)),
];

function belowMin(type: string, name: string, min: QuantityLike, { requests, limits }: Resources): readonly string[] {
  const start = `minimum ${name} usage per ${type} is ${formatQuantity(min)}`;
  const [request, limit] = [requests[name], limits[name]];
  if (request === undefined) return [`${start}.  No request is specified`];
  if (compareQuantities(request, min) < 0) return [`${start}, but request is ${formatQuantity(request)}`];
  return limit !== undefined && compareQuantities(limit, min) < 0 ? [`${start}, but limit is ${formatQuantity(limit)}`] : [];
}

function aboveMax(type: string, name: string, max: QuantityLike, { requests, limits }: Resources): readonly string[] {
  const start = `maximum ${name} usage per ${type} is ${formatQuantity(max)}`;
  const [request, limit] = [requests[name], limits[name]];
  if (limit === undefined) return [`${start}.  No limit is specified`];
  if (compareQuantities(limit, max) > 0) return [`${start}, but limit is ${formatQuantity(limit)}`];
  return request !== undefined && compareQuantities(request, max) > 0 ? [`${start}, but request is ${formatQuantity(request)}`] : [];
}

function aboveRatio(type: string, name: string, max: QuantityLike, { requests, limits }: Resources): readonly string[] {
  const start = `${name} max limit to request ratio per ${type} is ${formatQuantity(max)}`;
  const [request, limit] = [requests[name], limits[name]];
  if (request === undefined || isZeroQuantity(request)) return [`${start}, but no request is specified or request is 0`];
  if (limit === undefined || isZeroQuantity(limit)) return [`${start}, but no limit is specified or limit is 0`];
  const ratio = quantityFloat(limit) / quantityFloat(request);
  return ratio > quantityFloat(max) ? [`${start}, but provided ratio is ${ratio.toFixed(6)}`] : [];
}

/**
 * What a pod needs in all: its containers together, or its init containers one after the other beside the sidecars started before them, whichever
 * is more; what is set for the pod as a whole takes the place of that.
 */
function totalOf({ spec }: Pod, kind: keyof Resources): Quantities {
  const add = (a: Quantities, b: Quantities): Quantities => ({ ...a, ...Object.fromEntries(Object.entries(b).map(([name, value]) => [name, a[name] === undefined ? value : addQuantities(a[name], value)])) });
  const max = (a: Quantities, b: Quantities): Quantities => ({ ...a, ...Object.fromEntries(Object.entries(b).map(([name, value]) => [name, a[name] === undefined ? value : maxQuantity(a[name], value)])) });
  let total = (spec?.containers ?? []).map((container) => resourcesOf(container)[kind]).reduce(add, {});
  let sidecars: Quantities = {};
  let init: Quantities = {};
  for (const container of spec?.initContainers ?? []) {
    const own = resourcesOf(container)[kind];
    const beside = add(sidecars, own);
    if (container.restartPolicy === "Always") {
      total = add(total, own);
      sidecars = beside;
    }
    init = max(init, beside);
  }
  return { ...max(total, init), ...spec?.resources?.[kind] };
}
