/** Whether a client asks for discovery in one document, and in which version. */
export function decodeDocumentAccept(accept: string | string[] | undefined): "v2" | "v2beta1" | undefined {
  for (const clause of (Array.isArray(accept) ? accept.join(",") : (accept ?? "")).split(",")) {
    const parts = clause.split(";").map((part) => part.trim());
    if (parts[0] !== "application/json" && parts[0] !== "*/*") continue;
    if (!parts.includes("as=APIGroupDiscoveryList")) {
      if (parts[0] === "application/json") return undefined;
      continue;
    }
    if (parts.includes("v=v2")) return "v2";
    if (parts.includes("v=v2beta1")) return "v2beta1";
  }
  return undefined;
}
