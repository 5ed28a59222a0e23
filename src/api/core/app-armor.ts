import type { AppArmorProfile } from "../generated/core-v1.ts";

/** Annotations that named a container's profile before there was a field. */
export const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

/** What such an annotation says as a field; nothing when it is no valid profile. */
export function appArmorProfileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === "unconfined") return { type: "Unconfined" };
  if (annotation === "runtime/default") return { type: "RuntimeDefault" };
  const name = annotation.startsWith("localhost/") ? annotation.slice("localhost/".length) : "";
  return name === "" || name.trim() !== name ? undefined : { type: "Localhost", localhostProfile: name };
}
