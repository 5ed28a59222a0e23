import type { Container, Pod } from "../../api/generated/core-v1.ts";
import { equal } from "../../stdx/equal.ts";
import type { ResizeVerdict } from "../status/conditions.ts";
import { containersOf, specOf } from "./pod.ts";

type Resources = Readonly<Record<string, Container["resources"]>>;

/** The resources that a pod may use: those that it asks for, as far as the node has room for a change. */
export class Allocation {
  readonly #roomFor: (pod: Pod) => ResizeVerdict | undefined;
  #granted: Resources;
  #pod: Pod;
  #verdict: ResizeVerdict | undefined;

  /** What a pod begins with was granted when it was admitted. `roomFor` says why the node has no room for what a pod asks for, if so. */
  constructor(pod: Pod, roomFor: (pod: Pod) => ResizeVerdict | undefined) {
    this.#roomFor = roomFor;
    this.#granted = resourcesOf(pod);
    this.#pod = pod;
  }

  /** The pod, with the resources that were granted. */
  get pod(): Pod {
    return this.#pod;
  }

  /** Set while the pod has, or its containers have, not yet what it asks for. */
  get verdict(): ResizeVerdict | undefined {
    return this.#verdict;
  }

  ask(pod: Pod): void {
    const wanted = resourcesOf(pod);
    if (equal(wanted, this.#granted)) {
      this.#verdict = undefined;
      this.#pod = pod;
      return;
    }
    const refusal = this.#roomFor(pod);
    this.#verdict = refusal ?? { type: "PodResizeInProgress" };
    if (!refusal) this.#granted = wanted;
    this.#pod = refusal ? withResources(pod, this.#granted) : pod;
  }

  /** The containers have what was granted. */
  done(): void {
    this.#verdict = undefined;
  }
}

const resourcesOf = (pod: Pod): Resources => Object.fromEntries(containersOf(pod).flatMap(({ container, kind }) => (kind === "ephemeral" ? [] : [[container.name, container.resources]])));

function withResources(pod: Pod, resources: Resources): Pod {
  const granted = (container: Container): Container => {
    const own = resources[container.name];
    return own === undefined ? container : { ...container, resources: own };
  };
  const { containers, initContainers } = specOf(pod);
  return { ...pod, spec: { ...specOf(pod), containers: containers.map(granted), ...(initContainers && { initContainers: initContainers.map(granted) }) } };
}
