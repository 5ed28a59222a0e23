/** The grammar of image references (distribution/reference), as far as it matters which tag a reference names. */
const domain = /^(?:localhost|[^/]*[.:A-Z][^/]*)$/;
const domainPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const pathPattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[\w][\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const identifierPattern = /^[a-f0-9]{64}$/;

/**
 * The tag of an image: "latest" where it names neither tag nor digest, undefined where it names a digest alone or is no reference at all
 * (what is wrong with it is found out when it is pulled).
 */
export function imageTag(image: string): string | undefined {
  if (identifierPattern.test(image)) return undefined;
  const at = image.indexOf("@");
  const digest = at < 0 ? undefined : image.slice(at + 1);
  if (digest !== undefined && !digestPattern.test(digest)) return undefined;

  const named = at < 0 ? image : image.slice(0, at);
  const slash = named.indexOf("/");
  const first = slash < 0 ? "" : named.slice(0, slash);
  const rest = slash >= 0 && domain.test(first) ? named.slice(slash + 1) : named;
  if (rest !== named && !domainPattern.test(first)) return undefined;

  const colon = rest.indexOf(":");
  const [path, tag] = colon < 0 ? [rest, undefined] : [rest.slice(0, colon), rest.slice(colon + 1)];
  if (!pathPattern.test(path) || (tag !== undefined && !tagPattern.test(tag))) return undefined;
  return tag ?? (digest === undefined ? "latest" : undefined);
}

/** Images that may change under their name are asked for every time. */
export const defaultPullPolicy = (image: string | undefined): "Always" | "IfNotPresent" => (imageTag(image ?? "") === "latest" ? "Always" : "IfNotPresent");
