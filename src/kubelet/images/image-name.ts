/** The parts of an image's name, as far as the kubelet needs them. */
export interface ImageName {
  /** The registry's host, "docker.io" where none is named. */
  readonly registry: string;
  /** Path within the registry, with "library/" for short names. */
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

const pattern = /^(?<path>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)$/;
const hostPattern = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?$|^\[[0-9a-fA-F:]+\](?::[0-9]+)?$/;
const tagPattern = /^[\w][\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const repositoryLengthMax = 255;

/** @throws Error with upstream's words when it is not the name of an image */
export function parseImageName(name: string): ImageName {
  const wrong = (why: string): Error => new Error(`couldn't parse image name ${JSON.stringify(name)}: ${why}`);
  const at = name.indexOf("@");
  const digest = at < 0 ? "" : name.slice(at + 1);
  const beforeDigest = at < 0 ? name : name.slice(0, at);
  const slash = beforeDigest.indexOf("/");
  const first = slash < 0 ? "" : beforeDigest.slice(0, slash);
  const hasHost = slash >= 0 && (first.includes(".") || first.includes(":") || first === "localhost" || first.toLowerCase() !== first);
  const registry = hasHost ? first : "docker.io";
  const rest = hasHost ? beforeDigest.slice(slash + 1) : beforeDigest;
  const colon = rest.lastIndexOf(":");
  const tag = colon < 0 ? "" : rest.slice(colon + 1);
  const path = colon < 0 ? rest : rest.slice(0, colon);
  if (/[A-Z]/.test(path)) throw wrong("invalid reference format: repository name (" + (hasHost || path.includes("/") ? path : `library/${path}`) + ") must be lowercase");
  if (!pattern.test(path) || !hostPattern.test(registry) || (colon >= 0 && !tagPattern.test(tag)) || (at >= 0 && !digestPattern.test(digest))) throw wrong("invalid reference format");
  const repository = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  if (repository.length > repositoryLengthMax) throw wrong(`repository name must not be more than ${repositoryLengthMax} characters`);
  return { registry, repository, tag: tag === "" && digest === "" ? "latest" : tag, digest };
}

/** The name with ":latest" where it has neither a tag nor a digest. @throws Error */
export function withDefaultTag(name: string): string {
  const { tag, digest } = parseImageName(name);
  return digest === "" && !name.endsWith(`:${tag}`) ? `${name}:${tag}` : name;
}
