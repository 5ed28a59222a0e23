import { clausesOf, mediaOf, type Media } from "./negotiation.ts";

/**
 * Whether a client asks for discovery in one document, and in which encoding. Whatever else it would take does not count. v2beta1 is gone since 1.35 (feature gate
 * AggregatedDiscoveryRemoveBetaType).
 */
export function aggregatedDiscoveryAccept(accept: string | string[] | undefined): Media | undefined {
  for (const { type, parameters } of clausesOf(Array.isArray(accept) ? accept.join(",") : (accept ?? ""))) {
    const media = mediaOf[type];
    if (media !== undefined && parameters["as"] === "APIGroupDiscoveryList" && parameters["g"] === "apidiscovery.k8s.io" && parameters["v"] === "v2") return media;
  }
  return undefined;
}
