import type { Container, EphemeralContainer, Pod, PodSpec } from "../../../api/generated/core-v1.ts";

export type AnyContainer = Container | EphemeralContainer;

/** What a pod violates, in upstream's words: a short reason and what exactly. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** One rule of the Pod Security Standards, for the minor versions of 1.x in which it looks like this. */
export interface PodCheck {
  readonly id: string;
  readonly level: "baseline" | "restricted";
  readonly since: number;
  /** The first version that has another rule under this id. */
  readonly until?: number;
  /** The baseline check that this one makes superfluous. */
  readonly overrides?: string;
  check(spec: PodSpec, pod: Pod): Violation | undefined;
}

export const containersOf = ({ initContainers = [], containers = [], ephemeralContainers = [] }: PodSpec): readonly AnyContainer[] => [...initContainers, ...containers, ...ephemeralContainers];

export const quote = (values: Iterable<string>): string => [...values].map((value) => `"${value}"`).join(", ");
export const sorted = (values: Iterable<string>): readonly string[] => [...new Set(values)].toSorted();
export const plural = (count: number, singular: string, many = `${singular}s`): string => (count === 1 ? singular : many);
export const namesText = (containers: readonly AnyContainer[]): string => `${plural(containers.length, "container")} ${quote(containers.map(({ name }) => name))}`;
/** "pod and containers "a", "b"": who set something that they should not. */
export const settersText = (pod: boolean, containers: readonly AnyContainer[]): string => [...(pod ? ["pod"] : []), ...(containers.length > 0 ? [namesText(containers)] : [])].join(" and ");

/** Violated by the containers for which `bad` holds. */
export const byContainers = (reason: string, bad: (container: AnyContainer) => boolean, detail: (who: readonly AnyContainer[]) => string): PodCheck["check"] => (spec) => {
  const who = containersOf(spec).filter(bad);
  return who.length === 0 ? undefined : { reason, detail: detail(who) };
};
